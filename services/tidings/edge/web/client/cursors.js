// Cursors: positions in one person's log, `<epoch>-<sequence>`, and how two of them compare.

/** @import {Cursor} from "./protocol.js" */

/**
 * Compare two cursors of one log: below zero if the second lies further on.
 *
 * Sequences have up to 64 bits, more than a number holds, so they are compared as digits.
 * @param {Cursor} a
 * @param {Cursor} b
 */
export function compareCursors(a, b) {
    const [first, second] = [sequenceOf(a), sequenceOf(b)];
    return first.length - second.length || (first < second ? -1 : first > second ? 1 : 0);
}

/**
 * Tell whether what ends at a cursor is old for a client at another one: it lies before that one,
 * or in the middle of a replay up to it.
 * @param {Cursor} cursor
 * @param {Cursor | null} own
 */
export function isBehind(cursor, own) {
    if (!own || isMidReplay(own) || cursor.split("-")[0] !== own.split("-")[0]) return false;
    return isMidReplay(cursor) || compareCursors(cursor, own) < 0;
}

/**
 * Tell whether two cursors are the same position; the second may say whose it is, at the end of its
 * epoch.
 * @param {Cursor | null} own
 * @param {Cursor} stated
 */
export function isSamePosition(own, stated) {
    const [epoch, position] = own?.split("-") ?? [];
    return Boolean(own) && stated.startsWith(epoch ?? "") && stated.endsWith(`-${position}`);
}

/** Tell whether a cursor lies in the middle of a replay. @param {Cursor} cursor */
export function isMidReplay(cursor) {
    return cursor.includes(".");
}

/** @param {Cursor} cursor */
function sequenceOf(cursor) {
    return cursor.slice(cursor.indexOf("-") + 1).split(".")[0];
}
