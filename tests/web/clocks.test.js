// Clocks that are set: what waits is measured by the stopwatch, and the edge's time goes on.

import assert from "node:assert/strict";
import { test } from "node:test";

import { EdgeClock } from "../../services/tidings/edge/web/client/edge-clock.js";
import { MarkSender } from "../../services/tidings/edge/web/sharing/mark-sender.js";

const HOUR = 3_600_000;

/** Put the clock of this process forward or back while something runs. */
async function withClockSet(shift, work) {
    const { now } = Date;
    Date.now = () => now() + shift;
    await work();
    Date.now = now;
}

test("a deletion is sent in time though the clock was put back while it waited", async () => {
    const sent = [];
    const sender = new MarkSender({
        isLive: () => true,
        post: async ({ op }) => {
            sent.push(op);
            return { cursor: "0123abcd-1" };
        },
        onConfirmed: () => {},
        onRefused: async () => {},
    });
    const deletion = { op: "a", state: "deleted", at: "", ids: ["n"], wait: 80 };

    sender.addOperation(deletion);
    await withClockSet(-HOUR, async () => {
        await new Promise((resolve) => setTimeout(resolve, 20));
        assert.deepEqual(sent, []);
        while (!sent.length) await new Promise((resolve) => setTimeout(resolve, 5));
    });
    sender.stop();

    assert.deepEqual(sent, ["a"]);
});

test("the edge's time does not go back with the browser's clock", async () => {
    const clock = new EdgeClock();
    clock.setSkew(5 * HOUR);
    const before = clock.now;

    await withClockSet(-HOUR, () => {
        assert.ok(clock.now >= before);
        assert.ok(clock.now < before + HOUR / 60);
        assert.ok(Math.abs(clock.skew - 6 * HOUR) < HOUR / 60);
    });
});
