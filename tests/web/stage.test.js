// The stage's arithmetic: how many somebody has missed, and how it is said.

import assert from "node:assert/strict";
import { test } from "node:test";

import { missed } from "../../services/edge/web/stage/beads.js";
import { away, back } from "../../services/edge/web/stage/words.js";

const own = { cursor: "e-10", notifications: [{ id: "b", cursor: "e-10", count: 2 }, { id: "a", cursor: "e-4" }] };

test("what lies after one's own cursor was missed", () => {
    const whole = { notifications: [{ id: "d", cursor: "e-12" }, { id: "c", cursor: "e-11" }, ...own.notifications] };

    assert.equal(missed(whole, own), 2);
    assert.equal(missed(own, own), 0);
});

test("what is gathered in one row was missed as often as it happened", () => {
    const whole = { notifications: [{ id: "b", cursor: "e-13", count: 5 }, { id: "a", cursor: "e-4" }] };

    assert.equal(missed(whole, own), 3);
    assert.equal(back(missed(whole, own), 1, 12.4), "Back: 3 missed, shown as 1, in 12 ms");
});

test("who knows nothing yet has missed nothing", () => {
    assert.equal(missed({ notifications: own.notifications }, { cursor: null, notifications: [] }), 0);
});

test("an absence is told in words", () => {
    assert.equal(away(0), "Cut off: nothing missed yet");
    assert.equal(away(3), "Cut off: 3 missed so far");
    assert.equal(back(0, 0, 0.2), "Back in under 1 ms: nothing was missed");
    assert.equal(back(1, 1, 3), "Back: 1 missed, in 3 ms");
    assert.equal(back(3, 3, 41), "Back: 3 missed, in order, in 41 ms");
});
