// What a page holds: all that it was told, within a limit, and what of it was news.

import assert from "node:assert/strict";
import { test } from "node:test";

import { Replica } from "../../services/edge/web/replica.js";

const AT = "2026-03-02T12:00:00Z";
const NOON = Date.parse(AT);
const HELD_LIMIT = 20_000;
const cursor = (sequence) => `0123abcd-${sequence}`;
const counts = (total) => ({ unread: total, unseen: total, total });
const note = (sequence) => ({ entry: "notification", cursor: cursor(sequence), id: `n-${sequence}`, type: "task.assigned", title: `Task ${sequence}`, created: AT });
const entries = (after, to, found, total) => ({ type: "entries", after: cursor(after), cursor: cursor(to), entries: found, counts: counts(total) });
const snapshot = (at, found) => ({ type: "snapshot", cursor: cursor(at), counts: counts(found.length), notifications: found });
const upTo = (count, from = 1) => Array.from({ length: count }, (_, place) => note(from + place));

function replica(state = "live") {
    const told = [];
    const made = new Replica({ now: () => NOON, state: () => state, tell: (name, detail) => told.push([name, detail]) });
    return { made, news: () => told.filter(([name]) => name === "notification").map(([, detail]) => [detail.notification.id, detail.live]), told };
}

test("a page that is told more than it may hold lets the older half go, and knows where they can be loaded again", async () => {
    const { made } = replica();
    made.take(snapshot(0, []));

    made.take(entries(0, HELD_LIMIT, upTo(HELD_LIMIT), HELD_LIMIT));
    assert.deepEqual([made.notifications.length, made.complete], [HELD_LIMIT, true]);
    made.take(entries(HELD_LIMIT, HELD_LIMIT + 1, [note(HELD_LIMIT + 1)], HELD_LIMIT + 1));

    assert.equal(made.notifications.length, HELD_LIMIT / 2);
    assert.deepEqual([made.complete, made.before], [false, made.notifications.at(-1).cursor]);
    assert.deepEqual(made.counts, counts(HELD_LIMIT + 1));
    const [older] = [upTo(50, HELD_LIMIT / 2 - 48).reverse()];
    assert.equal(made.older({ notifications: older, cursor: cursor(HELD_LIMIT + 1), next: older.at(-1).cursor }), 50);
    assert.deepEqual(
        made.notifications.map((it) => it.id).slice(-51),
        upTo(51, HELD_LIMIT / 2 - 48).reverse().map((it) => it.id),
    );
});

test("what a first visit brings is none of it news, what comes then is", () => {
    const { made, news } = replica();
    made.begin();
    made.take(snapshot(2, upTo(2).reverse()));
    made.end();

    made.take(entries(2, 3, [note(3)], 3));

    assert.deepEqual(news(), [["n-3", true]]);
});

test("what was missed is news that is not live, in order, and counted", () => {
    const { made, news, told } = replica("catching up");
    made.restore({ cursor: cursor(2), counts: counts(2), floor: null, user: "amira", device: "d" }, upTo(2), []);
    made.begin();
    made.take(entries(2, 4, upTo(2, 3), 4));
    made.end();

    const caughtUp = told.find(([name]) => name === "caughtup")[1];
    assert.deepEqual(news(), [["n-3", false], ["n-4", false]]);
    assert.deepEqual([caughtUp.replayed, caughtUp.from, caughtUp.to], [2, cursor(2), cursor(4)]);
});

test("whoever slept takes over how everything stands, and is told what is new in it; what is older changes nothing", () => {
    const { made, news } = replica();
    made.restore({ cursor: cursor(2), counts: counts(2), floor: null, user: "amira", device: "d" }, upTo(2), []);

    made.adopt({ cursor: cursor(4), counts: counts(4), floor: null, notifications: upTo(4).reverse() });
    made.adopt({ cursor: cursor(3), counts: counts(3), floor: null, notifications: upTo(3).reverse() });

    assert.deepEqual([made.cursor, made.counts], [cursor(4), counts(4)]);
    assert.deepEqual(news().map(([id]) => id), ["n-3", "n-4"]);
});

test("what happens together is said once", async () => {
    const { made, told } = replica();

    made.take(snapshot(2, upTo(2).reverse()));
    made.take(entries(2, 3, [note(3)], 3));
    const op = made.mark("read", { ids: ["n-3"] }, { due: 0 });
    await Promise.resolve();

    assert.equal(told.filter(([name]) => name === "change").length, 1);
    assert.deepEqual([op.touched, made.counts.unread], [["n-3"], 2]);
});
