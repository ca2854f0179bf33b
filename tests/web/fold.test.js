// What a person has been told, folded from frames: the chain, marks, marks on their way, and what is shown.

import assert from "node:assert/strict";
import { test } from "node:test";

import { compare, Fold, view } from "../../services/edge/web/fold.js";

const NOON = Date.parse("2026-03-02T12:00:00Z");
const AT = "2026-03-02T12:00:00Z";
const cursor = (sequence) => `0123abcd-${sequence}`;
const note = (sequence, more = {}) => ({
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
const mark = (sequence, state, more) => ({ entry: "mark", cursor: cursor(sequence), state, at: AT, ...more });
const entries = (after, to, found, counts) => ({ type: "entries", after: cursor(after), cursor: cursor(to), entries: found, counts });
const counts = (unread, unseen = unread, total = unread) => ({ unread, unseen, total });

function folded(...notifications) {
    const fold = new Fold();
    const newest = [...notifications].reverse();
    fold.take({ type: "snapshot", cursor: cursor(100), counts: counts(notifications.length), notifications: newest });
    return fold;
}

const shown = (fold, operations = [], now = NOON) => view(fold, operations, now).notifications.map((it) => it.id);

test("cursors of one log are compared by their sequence, however long it is", () => {
    assert.ok(compare(cursor(9), cursor(10)) < 0);
    assert.ok(compare(cursor("9223372036854775807"), cursor("9223372036854775806")) > 0);
    assert.equal(compare(cursor("41.7.50"), cursor(41)), 0);
});

test("entries that do not follow are refused, and change nothing", () => {
    const fold = folded(note(1));

    assert.equal(fold.take(entries(101, 102, [note(102)], counts(2))), null);
    assert.equal(fold.take({ type: "heartbeat", cursor: cursor(101) }), null);

    assert.deepEqual([fold.cursor, shown(fold)], [cursor(100), ["n-1"]]);
});

test("what is new is told once: not what came before the floor, not what was read already", () => {
    const fold = folded(note(50));

    const told = fold.take(entries(100, 110, [note(101), note(102, { read: AT }), note(20, { archived: AT }), note(50, { seen: AT })], counts(2)));

    assert.deepEqual(told.fresh.map((it) => it.id), ["n-101"]);
    assert.deepEqual([...told.changed], ["n-101", "n-102", "n-20", "n-50"]);
});

test("a group that grows is new again, and stands where it grew", () => {
    const fold = folded(note(50, { id: "room", count: 1 }), note(51));

    const told = fold.take(entries(100, 101, [note(101, { id: "room", count: 2 })], counts(2)));

    assert.deepEqual(told.fresh.map((it) => it.count), [2]);
    assert.deepEqual(shown(fold), ["room", "n-51"]);
});

test("marks by ids, by watermark and by filter reach what they name, and nothing that came later", () => {
    const task = { entity: { type: "task", id: "1" } };
    const fold = folded(note(1), note(2, task), note(3), note(4, task));

    fold.take(entries(100, 104, [
        mark(101, "read", { ids: ["n-1"] }),
        mark(102, "seen", { up_to: cursor(2) }),
        mark(103, "archived", { filter: { entity: "task:1" } }),
        mark(104, "deleted", { ids: ["n-3", "unknown"] }),
    ], counts(0, 0, 1)));

    const stands = (id) => fold.notifications.get(id);
    assert.deepEqual(shown(fold), ["n-1"]);
    assert.equal(stands("n-1").read, AT);
    assert.deepEqual([stands("n-2").seen, stands("n-4").seen], [AT, undefined]);
    assert.deepEqual([stands("n-2").archived, stands("n-4").archived, stands("n-3")], [AT, AT, undefined]);
});

test("what is snoozed is hidden until its time, and what expires from its time on", () => {
    const fold = folded(note(1, { snoozed: "2026-03-02T13:00:00Z" }), note(2, { expires: "2026-03-02T13:00:00Z" }));

    assert.deepEqual(shown(fold), ["n-2"]);
    assert.deepEqual(shown(fold, [], NOON + 3_600_000), ["n-1"]);
});

test("a mark on its way shows at once, in the list and in the counts, and is gone without a trace if it is refused", () => {
    const fold = folded(note(1), note(2), note(3));
    const reading = { op: "a", state: "read", at: AT, ids: ["n-3"], due: 0 };
    const deleting = { op: "b", state: "deleted", at: AT, ids: ["n-1"], due: 0 };

    const seen = view(fold, [reading, deleting], NOON);

    assert.deepEqual(seen.counts, counts(1, 1, 2));
    assert.deepEqual(seen.notifications.map((it) => [it.id, Boolean(it.read)]), [["n-3", true], ["n-2", false]]);
    assert.deepEqual(view(fold, [], NOON).counts, counts(3));
});

test("marking all reaches those too that are not loaded, but not what came after", () => {
    const fold = folded(note(1), note(2));
    fold.take(entries(100, 101, [note(101)], counts(40)));

    const seen = view(fold, [{ op: "a", state: "read", at: AT, up_to: cursor(100), due: 0 }], NOON);

    assert.deepEqual([seen.counts.unread, seen.counts.unseen, seen.counts.total], [1, 1, 40]);
});

test("a page of older ones does not undo what was marked since it was read from the rows", () => {
    const fold = folded(note(50), note(51));
    fold.take(entries(100, 102, [mark(101, "read", { up_to: cursor(60) }), mark(102, "deleted", { ids: ["n-3"] })], counts(0, 0, 5)));

    fold.older([note(50, { title: "stale" }), note(4), note(3), note(2)], cursor(100));

    assert.deepEqual(shown(fold), ["n-51", "n-50", "n-4", "n-2"]);
    assert.deepEqual(["n-4", "n-50"].map((id) => [fold.notifications.get(id).read, fold.notifications.get(id).title]), [[AT, "Task 4"], [AT, "Task 50"]]);
});

test("a reset leaves what is shown until the snapshot that takes its place", () => {
    const fold = folded(note(1), note(2));

    fold.take({ type: "reset", reason: "epoch", cursor: "fedc3210-0" });
    const meanwhile = shown(fold);
    fold.take({ type: "snapshot", cursor: "fedc3210-7", counts: counts(1), notifications: [note(7)] });

    assert.deepEqual([meanwhile, shown(fold)], [["n-2", "n-1"], ["n-7"]]);
});

test("only so many are kept, the newest, and it is known from where on all are there", () => {
    const fold = folded(note(1), note(2), note(3));

    const dropped = fold.trim(2);

    assert.deepEqual([dropped, shown(fold), fold.floor], [["n-1"], ["n-3", "n-2"], cursor(2)]);
});
