// Which rows of a long list stand in the page: those near what is in sight, and room for the others, whatever their heights.

import assert from "node:assert/strict";
import { test } from "node:test";

import { Stretch } from "../../services/edge/web/stretch.js";

const all = Array.from({ length: 5000 }, (_, place) => ({ id: `n-${place}` }));

/** A list whose rows have heights of all kinds, each known. */
function measured() {
    const stretch = new Stretch();
    all.forEach(({ id }, place) => stretch.measured(id, 60 + ((place * 37) % 120)));
    return stretch;
}

const height = (from, to) => all.slice(from, to).reduce((sum, _, place) => sum + 60 + (((from + place) * 37) % 120), 0);

test("wherever somebody looks, the rows there stand in the page, few others do, and nothing moves", () => {
    const stretch = measured();
    const whole = height(0, all.length);

    for (const top of [0, 700, 12_345, whole / 2, whole - 900]) {
        const { first, last, above, below } = stretch.near(all, top, top + 900);

        assert.ok(above <= top && whole - below >= top + 900);
        assert.ok(last - first > 0 && last - first < 80);
        assert.equal(above, height(0, first));
        assert.equal(below, height(last, all.length));
    }
});

test("rows are looked for again before the room is in sight", () => {
    const stretch = measured();
    const whole = height(0, all.length);
    const near = stretch.near(all, 100_000, 100_900);

    const outgrown = [100_000, 100_100, 100_500, 99_500].map((top) => stretch.outgrown(near, top, top + 900, whole));

    assert.deepEqual(outgrown, [false, false, true, true]);
});

test("a row that is not shown has no height to remember", () => {
    const stretch = new Stretch();
    stretch.measured("n-0", 0);

    assert.equal(stretch.near(all.slice(0, 1), 0, 900).last, 1);
    assert.deepEqual(stretch.near([], 0, 900), { first: 0, last: 0, above: 0, below: 0 });
});
