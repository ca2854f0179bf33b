// Stretch: which rows of a long list stand in the page: those near what is in sight; for all others there is room of their height.

const ROOM_PIXELS = 700;
/** Few rows at a time, so that no frame takes long. */
const STEP_PIXELS = 250;
const USUAL_PIXELS = 100;

/**
 * The rows from `first` up to `last`, and the pixels above and below them.
 * @typedef {{first: number, last: number, above: number, below: number}} Near
 */

export class Stretch {
    /** How high each was when it last stood there. @type {Map<string, number>} */ #heights = new Map();

    /**
     * Remember how high a row is; one that is not shown has no height.
     * @param {string} id
     * @param {number} pixels
     */
    measured(id, pixels) {
        if (pixels) this.#heights.set(id, pixels);
    }

    /**
     * Which rows are near what is in sight.
     * @param {readonly {id: string}[]} all
     * @param {number} top of what is in sight, in pixels from the top of the first row
     * @param {number} bottom
     * @returns {Near}
     */
    near(all, top, bottom) {
        const found = { first: 0, last: 0, above: 0, below: 0 };
        let y = 0;
        for (const { id } of all) {
            const height = this.#heights.get(id) ?? USUAL_PIXELS;
            y += height;
            if (y < top - ROOM_PIXELS && found.first < all.length - 1) [found.first, found.above] = [found.first + 1, y];
            else if (y - height > bottom + ROOM_PIXELS) found.below += height;
            else found.last += 1;
        }
        return { ...found, last: found.first + found.last };
    }

    /**
     * Whether others are near by now.
     * @param {Near} near
     * @param {number} top
     * @param {number} bottom
     * @param {number} whole the height of all of it
     */
    outgrown({ above, below }, top, bottom, whole) {
        const room = ROOM_PIXELS - STEP_PIXELS;
        return (above > 0 && top - room < above) || (below > 0 && bottom + room > whole - below);
    }
}
