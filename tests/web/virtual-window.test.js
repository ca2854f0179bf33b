// Which rows of a long list are in the page: those near sight; the others are room of their height.

import assert from "node:assert/strict";
import { test } from "node:test";

import { VirtualWindow } from "../../services/tidings/edge/web/elements/inbox/virtual-window.js";

const rows = Array.from({ length: 5000 }, (_, index) => ({ id: `n-${index}` }));

/** Return a window that knows the different heights of all rows. */
function measuredWindow() {
    const virtual = new VirtualWindow();
    for (const [index, { id }] of rows.entries())
        virtual.recordHeight(id, 60 + ((index * 37) % 120));
    return virtual;
}

const height = (from, to) =>
    rows.slice(from, to).reduce((sum, _, index) => sum + 60 + (((from + index) * 37) % 120), 0);

test("at any position the rows in sight are in the page, and few others", () => {
    const virtual = measuredWindow();
    const total = height(0, rows.length);

    for (const top of [0, 700, 12_345, total / 2, total - 900]) {
        const { first, last, above, below } = virtual.rangeFor(rows, top, top + 900);

        assert.ok(above <= top && total - below >= top + 900);
        assert.ok(last - first > 0 && last - first < 80);
        assert.equal(above, height(0, first));
        assert.equal(below, height(last, rows.length));
    }
});

test("the range is updated before empty room comes into sight", () => {
    const virtual = measuredWindow();
    const total = height(0, rows.length);
    const range = virtual.rangeFor(rows, 100_000, 100_900);

    const needed = [100_000, 100_100, 100_500, 99_500].map((top) =>
        virtual.needsUpdate(range, top, top + 900, total),
    );

    assert.deepEqual(needed, [false, false, true, true]);
});

test("the height of a hidden row is not recorded", () => {
    const virtual = new VirtualWindow();
    virtual.recordHeight("n-0", 0);

    assert.equal(virtual.rangeFor(rows.slice(0, 1), 0, 900).last, 1);
    assert.deepEqual(virtual.rangeFor([], 0, 900), { first: 0, last: 0, above: 0, below: 0 });
});
