// A tab's copy of the log: its limit, and what of it is reported as new.

import assert from "node:assert/strict";
import { test } from "node:test";

import { Replica } from "../../services/tidings/edge/web/client/replica.js";

const AT = "2026-03-02T12:00:00Z";
const NOON = Date.parse(AT);
const NOTIFICATIONS_LIMIT = 20_000;
const cursor = (sequence) => `0123abcd-${sequence}`;
const counts = (total) => ({ unread: total, unseen: total, total });
const notification = (sequence) => ({
    entry: "notification",
    cursor: cursor(sequence),
    id: `n-${sequence}`,
    type: "task.assigned",
    title: `Task ${sequence}`,
    created: AT,
});
const entries = (after, to, list, total) => ({
    type: "entries",
    after: cursor(after),
    cursor: cursor(to),
    entries: list,
    counts: counts(total),
});
const snapshot = (at, list) => ({
    type: "snapshot",
    cursor: cursor(at),
    counts: counts(list.length),
    notifications: list,
});
const upTo = (count, from = 1) =>
    Array.from({ length: count }, (_, index) => notification(from + index));

function replica(state = "live") {
    const events = [];
    const copy = new Replica({
        getNow: () => NOON,
        getState: () => state,
        emit: (name, detail) => events.push([name, detail]),
    });
    return {
        copy,
        newIds: () =>
            events
                .filter(([name]) => name === "notification")
                .map(([, detail]) => [detail.notification.id, detail.live]),
        events,
    };
}

test("above the limit the older half is dropped, and can be loaded again", async () => {
    const { copy } = replica();
    copy.applyFrame(snapshot(0, []));

    copy.applyFrame(
        entries(0, NOTIFICATIONS_LIMIT, upTo(NOTIFICATIONS_LIMIT), NOTIFICATIONS_LIMIT),
    );
    assert.deepEqual([copy.notifications.length, copy.complete], [NOTIFICATIONS_LIMIT, true]);
    copy.applyFrame(
        entries(
            NOTIFICATIONS_LIMIT,
            NOTIFICATIONS_LIMIT + 1,
            [notification(NOTIFICATIONS_LIMIT + 1)],
            NOTIFICATIONS_LIMIT + 1,
        ),
    );

    assert.equal(copy.notifications.length, NOTIFICATIONS_LIMIT / 2);
    assert.deepEqual([copy.complete, copy.olderBefore], [false, copy.notifications.at(-1).cursor]);
    assert.deepEqual(copy.counts, counts(NOTIFICATIONS_LIMIT + 1));
    const [older] = [upTo(50, NOTIFICATIONS_LIMIT / 2 - 48).reverse()];
    assert.equal(
        copy.addOlderPage({
            notifications: older,
            cursor: cursor(NOTIFICATIONS_LIMIT + 1),
            next: older.at(-1).cursor,
        }),
        50,
    );
    assert.deepEqual(
        copy.notifications.map((it) => it.id).slice(-51),
        upTo(51, NOTIFICATIONS_LIMIT / 2 - 48)
            .reverse()
            .map((it) => it.id),
    );
});

test("what a first visit brings is not reported as new, what comes later is", () => {
    const { copy, newIds } = replica();
    copy.beginCatchUp();
    copy.applyFrame(snapshot(2, upTo(2).reverse()));
    copy.endCatchUp();

    copy.applyFrame(entries(2, 3, [notification(3)], 3));

    assert.deepEqual(newIds(), [["n-3", true]]);
});

test("what was missed is reported in order, counted, and not live", () => {
    const { copy, newIds, events } = replica("catching up");
    copy.restore(
        { cursor: cursor(2), counts: counts(2), floor: null, user: "amira", device: "d" },
        upTo(2),
        [],
    );
    copy.beginCatchUp();
    copy.applyFrame(entries(2, 4, upTo(2, 3), 4));
    copy.endCatchUp();

    const caughtUp = events.find(([name]) => name === "caughtup")[1];
    assert.deepEqual(newIds(), [
        ["n-3", false],
        ["n-4", false],
    ]);
    assert.deepEqual([caughtUp.replayed, caughtUp.from, caughtUp.to], [2, cursor(2), cursor(4)]);
});

test("a tab that was suspended adopts the leader's state, but not an older one", () => {
    const { copy, newIds } = replica();
    copy.restore(
        { cursor: cursor(2), counts: counts(2), floor: null, user: "amira", device: "d" },
        upTo(2),
        [],
    );

    copy.adoptLog({
        cursor: cursor(4),
        counts: counts(4),
        floor: null,
        notifications: upTo(4).reverse(),
    });
    copy.adoptLog({
        cursor: cursor(3),
        counts: counts(3),
        floor: null,
        notifications: upTo(3).reverse(),
    });

    assert.deepEqual([copy.cursor, copy.counts], [cursor(4), counts(4)]);
    assert.deepEqual(
        newIds().map(([id]) => id),
        ["n-3", "n-4"],
    );
});

test("the counts of a leader at the same cursor are taken over", () => {
    const { copy } = replica();
    copy.applyFrame(snapshot(2, upTo(2).reverse()));
    const { counts: _, ...early } = entries(2, 4, upTo(2, 3), 4);
    copy.applyFrame({ ...early, more: true });
    assert.deepEqual([copy.cursor, copy.counts], [cursor(4), counts(2)]);

    copy.adoptLog({
        cursor: cursor(4),
        counts: counts(4),
        floor: null,
        notifications: upTo(4).reverse(),
    });

    assert.deepEqual(copy.counts, counts(4));
});

test("changes of one turn of the event loop are reported once", async () => {
    const { copy, events } = replica();

    copy.applyFrame(snapshot(2, upTo(2).reverse()));
    copy.applyFrame(entries(2, 3, [notification(3)], 3));
    const op = copy.createMark("read", { ids: ["n-3"] }, { wait: 0 });
    await Promise.resolve();

    assert.equal(events.filter(([name]) => name === "change").length, 1);
    assert.deepEqual([op.touched, copy.counts.unread], [["n-3"], 2]);
});

test("only counts that differ make a heartbeat a change", async () => {
    const { copy, events } = replica();
    copy.applyFrame(snapshot(0, upTo(2)));
    await Promise.resolve();
    const changes = () => events.filter(([name]) => name === "change").length;
    const before = changes();

    copy.applyFrame({ type: "heartbeat", cursor: cursor(0), counts: counts(2) });
    await Promise.resolve();
    assert.equal(changes(), before);

    copy.applyFrame({ type: "heartbeat", cursor: cursor(0), counts: counts(3) });
    await Promise.resolve();
    assert.deepEqual([changes(), copy.counts], [before + 1, counts(3)]);
});
