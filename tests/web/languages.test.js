// Languages and times: any tag that a page may carry, and words that fit the calendar.

import assert from "node:assert/strict";
import { test } from "node:test";

import { dateAndTime, relativeTime } from "../../services/tidings/edge/web/elements/format.js";
import { reasonText } from "../../services/tidings/edge/web/elements/inbox/reason.js";
import {
    LANGUAGES,
    languageTag,
    Messages,
} from "../../services/tidings/edge/web/elements/messages.js";

test("whatever a page names as its language, there are texts and formats for it", () => {
    const tags = {
        en_US: "en-US",
        "de_DE.UTF-8": "de-DE",
        "de@euro": "de",
        " DE ": "de",
        "en-US-": "en-US",
        "en--GB": "en",
        zh_Hant_TW: "zh-Hant-TW",
        "x-ours": "en",
        C: "en",
        "": "en",
        "not a language at all": "en",
        "🦊": "en",
    };
    for (const [given, expected] of Object.entries(tags)) {
        const messages = new Messages(given);
        assert.equal(messages.language, expected, given);
        assert.equal(languageTag(given), expected, given);
        assert.ok(messages.text("bell", { count: 2 }).length, given);
        assert.ok(relativeTime("2026-03-02T12:00:00Z", 0, messages.language).length, given);
    }
});

test("texts are those of the nearest language that there is", () => {
    LANGUAGES["zh-Hant"] = { title: "通知" };

    assert.equal(new Messages("zh-Hant-TW").text("title"), "通知");
    assert.equal(new Messages("zh-TW").text("title"), "Notifications");
    assert.equal(new Messages("de-AT").text("title"), "Mitteilungen");
    assert.equal(new Messages("tostring").text("title"), "Notifications");
    delete LANGUAGES["zh-Hant"];
});

test("why a notification is here is said through the relations that made it so", () => {
    const why = (language, ...audience) => reasonText(new Messages(language), { audience });

    assert.equal(why("en"), "It is meant for you.");
    assert.equal(why("en", "task:456#watcher"), "You watch task 456.");
    assert.equal(
        why("en", "task:4.5.project#manager", "tenant#member"),
        "One of these: You manage the project of task 4.5. It is meant for everyone here.",
    );
    assert.equal(why("de", "work_order:47#technician"), "Du führst work order 47 aus.");
    assert.equal(why("en", "tenant#office"), "You have the role “office”.");
    assert.equal(why("en", "ship:a#b:c#toString"), "You are “toString” of ship a#b:c.");
});

/** A time of this browser's calendar. */
const at = (...fields) => new Date(...fields).getTime();
const ago = (time, now) => relativeTime(new Date(time).toISOString(), now, "en");

test("days in words are days of the calendar", () => {
    const now = at(2026, 4, 20, 9, 0);

    assert.equal(ago(at(2026, 4, 20, 8, 0), now), "1 hr. ago");
    assert.equal(ago(at(2026, 4, 19, 10, 0), now), "23 hr. ago");
    assert.equal(ago(at(2026, 4, 19, 8, 0), now), "yesterday");
    assert.equal(ago(at(2026, 4, 18, 23, 0), now), "2 days ago");
    assert.equal(ago(at(2026, 4, 18, 9, 30), now), "2 days ago");
    assert.equal(ago(at(2026, 4, 22, 1, 0), now), "in 2 days");
    assert.equal(ago(at(2026, 4, 13, 23, 0), now), "May 13");
});

test("a date of another year says which one", () => {
    const now = at(2026, 0, 2, 12, 0);

    assert.equal(ago(at(2025, 11, 24, 12, 0), now), "Dec 24, 2025");
    assert.match(dateAndTime(new Date(2024, 4, 3, 10).toISOString(), now, "en"), /2024/);
    assert.doesNotMatch(dateAndTime(new Date(2026, 4, 3, 10).toISOString(), now, "en"), /2026/);
});
