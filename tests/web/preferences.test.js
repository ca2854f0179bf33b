// Preferences: whose word holds, what a change will look like, and what became of a delivery.

import assert from "node:assert/strict";
import { test } from "node:test";

import { nextSceneFor } from "../../services/tidings/edge/web/demo/story-player.js";
import { deliveryText } from "../../services/tidings/edge/web/elements/delivery-text.js";
import { GERMAN } from "../../services/tidings/edge/web/elements/messages/de.js";
import { ENGLISH } from "../../services/tidings/edge/web/elements/messages/en.js";
import { Messages } from "../../services/tidings/edge/web/elements/messages.js";
import {
    clearingChanges,
    preferenceChange,
} from "../../services/tidings/edge/web/elements/preferences/changes.js";
import {
    becauseText,
    categoryText,
    choiceOf,
    choiceValue,
    choiceValues,
    ownerText,
    scopeText,
    spanText,
    valueText,
} from "../../services/tidings/edge/web/elements/preferences/choices.js";
import { errorText } from "../../services/tidings/edge/web/elements/preferences/error-text.js";

const english = new Messages("en");
const german = new Messages("de");
const NOW = Date.parse("2026-03-02T10:00:00Z");
const choice = (row, more = {}) => ({
    ...{ channel: "email", how: "digest", after_seconds: null, digest: null, locked: false },
    because: { row, event: row === "installed default" ? null : 812 },
    ...more,
});
const stated = (of, channel, how, by = "user") => ({
    ...{ of, channel, how, by, after_seconds: null, digest: null, required: false, event: 7 },
});
const stateOf = (preferences, ...choices) => ({
    preferences: {
        ...{ preferences, quiet_hours: null, pause: null, zone: "UTC", sequence: 7 },
        categories: [{ category: "task", channels: choices }],
    },
});

test("every text is there in both languages, with the same values in it", () => {
    const names = (text) => [...JSON.stringify(text).matchAll(/\{(\w+)\}/g)].map(([, it]) => it);
    const differing = Object.keys(ENGLISH).filter(
        (key) =>
            [...new Set(names(ENGLISH[key]))].sort().join() !==
            [...new Set(names(GERMAN[key]))].sort().join(),
    );

    assert.deepEqual(Object.keys(GERMAN).sort(), Object.keys(ENGLISH).sort());
    assert.deepEqual(differing, []);
});

test("a choice says whose word it is, about what, and which event states it", () => {
    const own = choice("user category:task email never");
    const locked = choice("tenant all * now", { locked: true });

    assert.equal(ownerText(english, own), "Your choice");
    assert.equal(becauseText(english, own), "You chose it for Tasks (E-mail). (Event 812)");
    assert.equal(ownerText(english, locked), "Required by your organisation");
    assert.match(becauseText(english, locked), /requires it for everything \(every channel\)/);
    assert.equal(ownerText(english, choice("installed default")), "Default");
    assert.match(becauseText(german, choice("tenant all email now")), /hat es für alles gewählt/);
});

test("a value of the list stands for one choice, and one that nobody offers is kept", () => {
    assert.deepEqual(choiceOf("unread:600", null), { how: "unread", after_seconds: 600 });
    assert.deepEqual(choiceOf("digest", { every: "daily" }), {
        ...{ how: "digest", digest: { every: "daily" } },
    });
    assert.equal(choiceValue({ how: "unread", after_seconds: 300 }), "unread:300");
    assert.ok(choiceValues("unread:300").includes("unread:300"));
    assert.equal(choiceValues("unread:600").length, 6);
    assert.equal(valueText(english, "unread:5400"), "If unread for 90 minutes");
    assert.equal(spanText(german, 86_400), "1 Tag");
});

test("names without a text of their own are shown as they are", () => {
    assert.equal(categoryText(english, "work_order_update"), "Work orders");
    assert.equal(categoryText(english, "tide_table"), "tide table");
    assert.equal(categoryText(english, "constructor"), "constructor");
    assert.equal(scopeText(english, "entity:work_order:4711"), "work order 4711");
});

test("a change shows at once; what is required stays", () => {
    const free = choice("installed default");
    const locked = choice("tenant category:task push now", { channel: "push", locked: true });
    const change = preferenceChange(null, [{ of: "category:task", how: "never" }]);

    const { preferences } = change.apply(stateOf([], free, locked));

    assert.equal(preferences.categories[0].channels[0].how, "never");
    assert.equal(preferences.categories[0].channels[0].because.row, "user category:task * never");
    assert.deepEqual(preferences.categories[0].channels[1], locked);
});

test("a word for all channels that is cleared on one of them holds on the others", () => {
    const channels = ["email", "push"].map((channel) => choice("x", { channel }));
    const { preferences } = stateOf([stated("category:task", null, "never")], ...channels);

    assert.deepEqual(clearingChanges(preferences, "category:task", "email"), [
        { of: "category:task", clear: true },
        { of: "category:task", how: "never", channel: "push" },
    ]);
    assert.deepEqual(clearingChanges(preferences, "category:team", "email"), []);
});

test("what became of a delivery is said in words", () => {
    const delivery = { channel: "email", address: "a…@example.org", summary: false, why: null };
    const changed = "2026-03-02T10:14:00Z";
    const say = (messages, more) =>
        deliveryText(messages, { ...delivery, until: null, changed, code: null, ...more }, NOW);

    assert.match(say(english, { state: "sent" }), /^Mailed at .* to a…@example\.org\.$/);
    assert.equal(
        say(english, { state: "dropped", why: { code: "read", row: null } }),
        "Not mailed: you read it before.",
    );
    const summary = { state: "held", summary: true, until: "2026-03-03T08:00:00Z" };
    assert.match(
        say(english, { ...summary, why: { code: "digest", row: null } }),
        /^Waits for your summary on Tue, Mar 3 at /,
    );
    const opted = { code: "opted_out", row: "user entity:task:4 * never" };
    assert.equal(
        say(german, { channel: "webpush", state: "dropped", why: opted }),
        "Nicht auf dein Gerät geschickt: so ist es gewählt (task 4).",
    );
    assert.match(say(english, { state: "failed", code: "550 5.1.1" }), /\(550 5\.1\.1\)/);
});

test("a refusal is said in words that tell what holds", () => {
    const refusal = (code, body = {}) => Object.assign(new Error("too long"), { code, body });

    assert.equal(errorText(english, refusal(409, { type: "/schema#locked" })), ENGLISH.errorLocked);
    assert.equal(errorText(english, refusal(412)), ENGLISH.errorElsewhere);
    assert.match(errorText(english, refusal(422)), /too long/);
    assert.match(errorText(english, refusal(409, { type: "about:blank" })), /too long/);
    assert.equal(errorText(english, refusal(503)), ENGLISH.errorOffline);
    assert.equal(errorText(english, new TypeError("Failed to fetch")), ENGLISH.errorOffline);
});

test("the next scene for somebody is one that tells them, or that they miss", () => {
    const happens = (told) => ({ kind: "happens", told, user: null });
    const scenes = [
        happens({ tom: 1 }),
        happens({ olga: 1 }),
        { kind: "leaves", told: {}, user: "tom" },
        happens({ olga: 1 }),
        { kind: "returns", told: {}, user: "tom" },
        happens({ olga: 1 }),
    ];

    assert.equal(nextSceneFor(scenes, new Set(), "tom"), 0);
    assert.equal(nextSceneFor(scenes, new Set([0]), "tom"), 3);
    assert.equal(nextSceneFor(scenes, new Set([0, 3]), "tom"), -1);
});
