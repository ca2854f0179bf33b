// How a link comes back where nothing answers: after pauses that grow up to a limit, chosen at random, and so often and no oftener.

import assert from "node:assert/strict";
import { test } from "node:test";

import { Link } from "../../services/edge/web/link.js";

const NOWHERE = "http://127.0.0.1:1";
const TERMS = { url: NOWHERE, device: "test", transports: ["log"], minimumDelay: 8, maximumDelay: 30, attempts: 5 };

test("pauses are any up to a limit that doubles, and it stops after as many attempts as it may make", async () => {
    const pauses = [];
    let attempts = 0;
    let running;
    const over = await new Promise((resolve) => {
        const link = new Link(TERMS, {
            token: async () => ((attempts += 1), null),
            cursor: () => null,
            take: () => true,
            state: (state, { retryAt }) => state === "offline" && retryAt && pauses.push(retryAt - Date.now()),
            error: (error) => (link.stop(), resolve(error)),
        });
        running = link.run();
    });
    await running; // stopped by whoever was told, in that moment

    assert.equal(over.temporary, false);
    assert.equal(attempts, TERMS.attempts + 1);
    assert.equal(pauses.length, TERMS.attempts);
    pauses.forEach((pause, failures) => {
        assert.ok(pause <= Math.min(TERMS.maximumDelay, TERMS.minimumDelay * 2 ** failures), `${pause} ms after ${failures} failures`);
    });
});
