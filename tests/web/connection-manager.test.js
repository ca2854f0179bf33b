// Reconnecting where nothing answers: random pauses up to a growing limit, and a limited number.

import assert from "node:assert/strict";
import { test } from "node:test";

import { ConnectionManager } from "../../services/tidings/edge/web/client/connection-manager.js";

const NOWHERE = "http://127.0.0.1:1";
const SETTINGS = {
    url: NOWHERE,
    device: "test",
    transports: ["log"],
    reconnectInterval: null,
    minimumDelay: 8,
    maximumDelay: 30,
    attempts: 5,
};

/** Return the pauses before each attempt, the number of attempts and the error at the end. */
async function failToConnect(settings) {
    const pauses = [];
    let attempts = 0;
    let running;
    const finalError = await new Promise((resolve) => {
        const manager = new ConnectionManager(settings, {
            getToken: async () => {
                attempts += 1;
                return null;
            },
            getCursor: () => null,
            onFrame: () => true,
            onState(state, { retryAt }) {
                if (state === "offline" && retryAt) pauses.push(retryAt - Date.now());
            },
            onError(error) {
                manager.stop(); // in a handler, while the manager is about to wait
                resolve(error);
            },
        });
        running = manager.run();
    });
    await running;
    return { pauses, attempts, finalError };
}

test("pauses are random up to a limit that doubles, and attempts are limited", async () => {
    const { pauses, attempts, finalError } = await failToConnect(SETTINGS);

    assert.equal(finalError.temporary, false);
    assert.equal(attempts, SETTINGS.attempts + 1);
    assert.equal(pauses.length, SETTINGS.attempts);
    for (const [failures, pause] of pauses.entries()) {
        const limit = Math.min(SETTINGS.maximumDelay, SETTINGS.minimumDelay * 2 ** failures);
        assert.ok(pause <= limit, `${pause} ms after ${failures} failures`);
    }
});

test("an interval that a page sets is each pause itself", async () => {
    const { pauses } = await failToConnect({ ...SETTINGS, reconnectInterval: 40 });

    for (const pause of pauses) assert.ok(pause > 35 && pause <= 40, `${pause} ms`);
});
