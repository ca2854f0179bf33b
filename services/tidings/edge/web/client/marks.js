// Marks: what a mark ("read", "archived", …) makes of a notification. All functions are pure.

import { compareCursors } from "./cursors.js";

/** @import {Filter, Mark, Notification, Operation} from "./protocol.js" */

/**
 * Tell whether a mark names a notification: by filter, by watermark, or by id.
 * @param {Mark | Operation} mark
 * @param {Notification} it
 */
export function matchesMark(mark, it) {
    if (mark.filter) return matchesFilter(mark.filter, it);
    if (mark.up_to) return compareCursors(it.cursor, mark.up_to) <= 0;
    return Boolean(mark.ids?.includes(it.id));
}

/**
 * @param {Filter} filter
 * @param {Notification} it
 */
function matchesFilter({ category, type, entity, group, unread }, it) {
    const entityName = it.entity && `${it.entity.type}:${it.entity.id}`;
    const pairs = [
        [category, it.category],
        [type, it.type],
        [entity, entityName],
        [group, it.group],
    ];
    return (
        pairs.every(([expected, actual]) => expected === undefined || expected === actual) &&
        !(unread && it.read)
    );
}

/**
 * Return a notification with a mark on it; null if the mark deletes it.
 * @param {Notification} it
 * @param {Mark | Operation} mark
 * @returns {Notification | null}
 */
function withMark(it, mark) {
    const { state, at } = mark;
    switch (state) {
        case "read":
            return { ...it, seen: it.seen ?? at, read: it.read ?? at };
        case "unread":
            return { ...it, read: undefined };
        case "seen":
            return { ...it, seen: it.seen ?? at };
        case "archived":
            return { ...it, archived: it.archived ?? at, snoozed: undefined };
        case "unarchived":
            return { ...it, archived: undefined };
        case "snoozed":
            return { ...it, archived: undefined, snoozed: mark.until };
        case "unsnoozed":
            return { ...it, snoozed: undefined };
        case "acted":
            return { ...it, acted: it.acted ?? /** @type {Mark} */ (mark).action };
        case "deleted":
            return null;
        default:
            return it; // a newer edge may send states that this client does not know
    }
}

/**
 * Apply a mark to a notification, if it names it.
 * @param {Notification} it
 * @param {Mark | Operation} mark
 * @returns {Notification | null} the same object if nothing changed; null if it is deleted
 */
export function applyMark(it, mark) {
    return matchesMark(mark, it) ? withMark(it, mark) : it;
}

/**
 * Apply marks to a notification in their order.
 * @param {Notification} it
 * @param {(Mark | Operation)[]} marks
 * @returns {Notification | null} null if one of them deletes it
 */
export function applyMarks(it, marks) {
    /** @type {Notification | null} */
    let result = it;
    for (const mark of marks) result = result && applyMark(result, mark);
    return result;
}

/**
 * Tell whether a notification is in the list at a moment.
 * @param {Notification | null} it
 * @param {number} now milliseconds since 1970
 */
export function isListed(it, now) {
    if (!it || it.archived || (it.expires && Date.parse(it.expires) <= now)) return false;
    return !it.snoozed || Date.parse(it.snoozed) <= now;
}
