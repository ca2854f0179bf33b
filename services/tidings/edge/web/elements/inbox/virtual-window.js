// Virtual window: which rows of a long list are in the page; the others are room of their height.

const MARGIN_PIXELS = 700;
/** Small, so that few rows are made at a time and no frame takes long. */
const STEP_PIXELS = 250;
const ESTIMATED_HEIGHT_PIXELS = 100;

/**
 * The rows from `first` up to, not including, `last`, and the pixels above and below them.
 * @typedef {{first: number, last: number, above: number, below: number}} RowRange
 */

export class VirtualWindow {
    /** How high each row was when it was last in the page. @type {Map<string, number>} */
    #heights = new Map();

    /**
     * Record a row's height; a row in a hidden list has none.
     * @param {string} id
     * @param {number} pixels
     */
    recordHeight(id, pixels) {
        if (pixels) this.#heights.set(id, pixels);
    }

    /**
     * Return the rows in sight and near it.
     * @param {readonly {id: string}[]} rows
     * @param {number} top of what is in sight, in pixels below the top of the first row
     * @param {number} bottom
     * @returns {RowRange}
     */
    rangeFor(rows, top, bottom) {
        let [first, count, above, below, y] = [0, 0, 0, 0, 0];
        for (const { id } of rows) {
            const height = this.#heights.get(id) ?? ESTIMATED_HEIGHT_PIXELS;
            y += height;
            const isAbove = y < top - MARGIN_PIXELS && first < rows.length - 1;
            if (isAbove) [first, above] = [first + 1, y];
            else if (y - height > bottom + MARGIN_PIXELS) below += height;
            else count += 1;
        }
        return { first, last: first + count, above, below };
    }

    /**
     * Tell whether a range is too small for what is in sight now.
     * @param {RowRange} range
     * @param {number} top
     * @param {number} bottom
     * @param {number} total height of all rows
     */
    needsUpdate({ above, below }, top, bottom, total) {
        const margin = MARGIN_PIXELS - STEP_PIXELS;
        return (
            (above > 0 && top - margin < above) || (below > 0 && bottom + margin > total - below)
        );
    }
}
