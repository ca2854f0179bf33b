// Frame adapter: a page gets only the frames of the time in which it is subscribed.

import assert from "node:assert/strict";
import { test } from "node:test";
import { setTimeout } from "node:timers/promises";

import { CANONICAL } from "../../services/tidings/edge/web/react/dialect.js";
import { FrameAdapter } from "../../services/tidings/edge/web/react/frame-adapter.js";

const COUNTS = { unread: 2, unseen: 0, total: 3 };
const SNAPSHOT = { state: "live", user: "ann", counts: COUNTS, notifications: [] };
const ON_CONNECTING = ["onConnect", "counts", "onStatsUpdate"];

/** Return an adapter of a live store, and the names of the frames and callbacks it delivers. */
function liveAdapter() {
    const store = { subscribe: () => () => {}, getSnapshot: () => SNAPSHOT, client: null };
    const adapter = new FrameAdapter(store, CANONICAL);
    const delivered = [];
    adapter.callbacks = {
        onMessage: (frame) => delivered.push(frame.type),
        onConnect: () => delivered.push("onConnect"),
        onStatsUpdate: () => delivered.push("onStatsUpdate"),
    };
    return { adapter, delivered };
}

test("what was refused before a page subscribes is not delivered to it", async () => {
    const { adapter, delivered } = liveAdapter();

    assert.equal(adapter.sendFrame({ type: "nonsense" }), false);
    const unsubscribe = adapter.subscribe(() => {});
    await setTimeout(50);
    unsubscribe();

    assert.deepEqual(delivered, ON_CONNECTING);
});

test("what was refused while a page was unmounted does not delay later frames", async () => {
    const { adapter, delivered } = liveAdapter();

    adapter.subscribe(() => {})();
    adapter.sendFrame({ type: "nonsense" });
    const unsubscribe = adapter.subscribe(() => {});
    adapter.sendFrame({ type: "ping" });
    await setTimeout(50);
    unsubscribe();

    assert.deepEqual(delivered, [...ON_CONNECTING, "pong"]);
});
