// The demonstration's arithmetic: how many a person has missed, and how that is said.

import assert from "node:assert/strict";
import { test } from "node:test";

import { missedCount } from "../../services/tidings/edge/web/demo/beads.js";
import { absenceText, returnText } from "../../services/tidings/edge/web/demo/phrases.js";

const own = {
    cursor: "e-10",
    notifications: [
        { id: "b", cursor: "e-10", count: 2 },
        { id: "a", cursor: "e-4" },
    ],
};

test("entries after a person's own cursor were missed", () => {
    const observer = {
        notifications: [
            { id: "d", cursor: "e-12" },
            { id: "c", cursor: "e-11" },
            ...own.notifications,
        ],
    };

    assert.equal(missedCount(observer, own), 2);
    assert.equal(missedCount(own, own), 0);
});

test("a row that gathers events counts as many", () => {
    const observer = {
        notifications: [
            { id: "b", cursor: "e-13", count: 5 },
            { id: "a", cursor: "e-4" },
        ],
    };

    assert.equal(missedCount(observer, own), 3);
    assert.equal(
        returnText(missedCount(observer, own), 1, 12.4),
        "Back: 3 missed, shown as 1, in 12 ms",
    );
});

test("a client without a cursor has missed nothing", () => {
    assert.equal(
        missedCount({ notifications: own.notifications }, { cursor: null, notifications: [] }),
        0,
    );
});

test("absences are described", () => {
    assert.equal(absenceText(0), "Cut off: nothing missed yet");
    assert.equal(absenceText(3), "Cut off: 3 missed so far");
    assert.equal(returnText(0, 0, 0.2), "Back in under 1 ms: nothing was missed");
    assert.equal(returnText(1, 1, 3), "Back: 1 missed, in 3 ms");
    assert.equal(returnText(3, 3, 41), "Back: 3 missed, in order, in 41 ms");
});
