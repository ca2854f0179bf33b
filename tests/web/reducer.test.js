// A log's state after frames and marks, and the view of it with pending marks.

import assert from "node:assert/strict";
import { test } from "node:test";

import { compareCursors } from "../../services/tidings/edge/web/client/cursors.js";
import { LogState } from "../../services/tidings/edge/web/client/reducer.js";
import { computeView } from "../../services/tidings/edge/web/client/view.js";

const NOON = Date.parse("2026-03-02T12:00:00Z");
const AT = "2026-03-02T12:00:00Z";
const cursor = (sequence) => `0123abcd-${sequence}`;
const notification = (sequence, more = {}) => ({
    entry: "notification",
    cursor: cursor(sequence),
    id: `n-${sequence}`,
    type: "task.assigned",
    category: "tasks",
    title: `Task ${sequence}`,
    message: "",
    created: AT,
    ...more,
});
const mark = (sequence, state, more) => ({
    entry: "mark",
    cursor: cursor(sequence),
    state,
    at: AT,
    ...more,
});
const entries = (after, to, found, counts) => ({
    type: "entries",
    after: cursor(after),
    cursor: cursor(to),
    entries: found,
    counts,
});
const counts = (unread, unseen = unread, total = unread) => ({ unread, unseen, total });

function logWith(...notifications) {
    const log = new LogState();
    const newest = [...notifications].reverse();
    log.applyFrame({
        type: "snapshot",
        cursor: cursor(100),
        counts: counts(notifications.length),
        notifications: newest,
    });
    return log;
}

const shown = (log, operations = [], now = NOON) =>
    computeView(log, operations, now).notifications.map((it) => it.id);

test("cursors are compared by sequence, however long it is", () => {
    assert.ok(compareCursors(cursor(9), cursor(10)) < 0);
    assert.ok(compareCursors(cursor("9223372036854775807"), cursor("9223372036854775806")) > 0);
    assert.equal(compareCursors(cursor("41.7.50"), cursor(41)), 0);
});

test("entries that do not follow are rejected and change nothing", () => {
    const log = logWith(notification(1));

    assert.equal(log.applyFrame(entries(101, 102, [notification(102)], counts(2))), null);
    assert.equal(log.applyFrame({ type: "heartbeat", cursor: cursor(101) }), null);

    assert.deepEqual([log.cursor, shown(log)], [cursor(100), ["n-1"]]);
});

test("new is what lies above the floor and is not read yet", () => {
    const log = logWith(notification(50));

    const change = log.applyFrame(
        entries(
            100,
            110,
            [
                notification(101),
                notification(102, { read: AT }),
                notification(20, { archived: AT }),
                notification(50, { seen: AT }),
            ],
            counts(2),
        ),
    );

    assert.deepEqual(
        change.fresh.map((it) => it.id),
        ["n-101"],
    );
    assert.deepEqual([...change.changed], ["n-101", "n-102", "n-20", "n-50"]);
});

test("a group that grows is new again, and moves to the top", () => {
    const log = logWith(notification(50, { id: "room", count: 1 }), notification(51));

    const change = log.applyFrame(
        entries(100, 101, [notification(101, { id: "room", count: 2 })], counts(2)),
    );

    assert.deepEqual(
        change.fresh.map((it) => it.count),
        [2],
    );
    assert.deepEqual(shown(log), ["room", "n-51"]);
});

test("marks by ids, watermark and filter change what they name, and nothing later", () => {
    const task = { entity: { type: "task", id: "1" } };
    const log = logWith(
        notification(1),
        notification(2, task),
        notification(3),
        notification(4, task),
    );

    log.applyFrame(
        entries(
            100,
            104,
            [
                mark(101, "read", { ids: ["n-1"] }),
                mark(102, "seen", { up_to: cursor(2) }),
                mark(103, "archived", { filter: { entity: "task:1" } }),
                mark(104, "deleted", { ids: ["n-3", "unknown"] }),
            ],
            counts(0, 0, 1),
        ),
    );

    const stateOf = (id) => log.notifications.get(id);
    assert.deepEqual(shown(log), ["n-1"]);
    assert.equal(stateOf("n-1").read, AT);
    assert.deepEqual([stateOf("n-2").seen, stateOf("n-4").seen], [AT, undefined]);
    assert.deepEqual(
        [stateOf("n-2").archived, stateOf("n-4").archived, stateOf("n-3")],
        [AT, AT, undefined],
    );
});

test("snoozed notifications are hidden until their time, expired ones from theirs on", () => {
    const log = logWith(
        notification(1, { snoozed: "2026-03-02T13:00:00Z" }),
        notification(2, { expires: "2026-03-02T13:00:00Z" }),
    );

    assert.deepEqual(shown(log), ["n-2"]);
    assert.deepEqual(shown(log, [], NOON + 3_600_000), ["n-1"]);
});

test("a pending mark shows at once in list and counts, and vanishes if it is refused", () => {
    const log = logWith(notification(1), notification(2), notification(3));
    const reading = { op: "a", state: "read", at: AT, ids: ["n-3"], wait: 0 };
    const deleting = { op: "b", state: "deleted", at: AT, ids: ["n-1"], wait: 0 };

    const seen = computeView(log, [reading, deleting], NOON);

    assert.deepEqual(seen.counts, counts(1, 1, 2));
    assert.deepEqual(
        seen.notifications.map((it) => [it.id, Boolean(it.read)]),
        [
            ["n-3", true],
            ["n-2", false],
        ],
    );
    assert.deepEqual(computeView(log, [], NOON).counts, counts(3));
});

test("marking all counts those that are not loaded, but not what came after", () => {
    const log = logWith(notification(1), notification(2));
    log.applyFrame(entries(100, 101, [notification(101)], counts(40)));

    const seen = computeView(
        log,
        [{ op: "a", state: "read", at: AT, up_to: cursor(100), wait: 0 }],
        NOON,
    );

    assert.deepEqual([seen.counts.unread, seen.counts.unseen, seen.counts.total], [1, 1, 40]);
});

test("an older page does not undo marks that are newer than it", () => {
    const log = logWith(notification(50), notification(51));
    log.applyFrame(
        entries(
            100,
            102,
            [mark(101, "read", { up_to: cursor(60) }), mark(102, "deleted", { ids: ["n-3"] })],
            counts(0, 0, 5),
        ),
    );

    log.addOlderPage(
        [notification(50, { title: "stale" }), notification(4), notification(3), notification(2)],
        cursor(100),
    );

    assert.deepEqual(shown(log), ["n-51", "n-50", "n-4", "n-2"]);
    assert.deepEqual(
        ["n-4", "n-50"].map((id) => [
            log.notifications.get(id).read,
            log.notifications.get(id).title,
        ]),
        [
            [AT, "Task 4"],
            [AT, "Task 50"],
        ],
    );
});

test("after a reset the old list is shown until the snapshot comes", () => {
    const log = logWith(notification(1), notification(2));

    log.applyFrame({ type: "reset", reason: "epoch", cursor: "fedc3210-0" });
    const meanwhile = shown(log);
    log.applyFrame({
        type: "snapshot",
        cursor: "fedc3210-7",
        counts: counts(1),
        notifications: [notification(7)],
    });

    assert.deepEqual([meanwhile, shown(log)], [["n-2", "n-1"], ["n-7"]]);
});

test("trimming keeps the newest and raises the floor", () => {
    const log = logWith(notification(1), notification(2), notification(3));

    const dropped = log.trimTo(2);

    assert.deepEqual([dropped, shown(log), log.floor], [["n-1"], ["n-3", "n-2"], cursor(2)]);
});

test("a difference is added to the counts, and a heartbeat's counts replace them", () => {
    const log = logWith(notification(1));
    const frame = { ...entries(100, 101, [notification(101)]), counts_delta: counts(1, 1, 1) };

    const before = log.counts;
    log.applyFrame(frame);
    assert.deepEqual([log.counts, before], [counts(2), counts(1)]);

    log.applyFrame({ type: "heartbeat", cursor: cursor(101), counts: counts(5, 4, 7) });
    log.applyFrame({ type: "heartbeat", cursor: cursor(101) });
    assert.deepEqual(LogState.from(log.serialize()).counts, counts(5, 4, 7));
});
