// Dialect: the words in which a page's hook is told of what happens, and in which it asks; all of it is pure.

/** @import {Counts, Filter, MarkState, Notification} from "../protocol.js" */

/** @typedef {Record<string, any>} Said one frame */
/** @typedef {Record<string, any>} Asked a frame of the page's */

/**
 * What a frame of the page's asks for; `only`: from then on only those that are about one of these words.
 * @typedef {{pong?: true, count?: true, only?: string,
 *     mark?: {state: MarkState, until?: string, ids?: string[], up_to?: string, filter?: Filter}}} Ask
 */

/**
 * At what time, and whose, in which connection.
 * @typedef {{now: string, user: string, connection: string}} Moment
 */

/**
 * What a product's module fills in; what one does not say, it has no frame for.
 * @typedef {object} Dialect
 * @property {(it: Notification, user: string) => Record<string, any>} shown a notification in lists, and in `onNotification`
 * @property {(counts: Counts) => Record<string, any>} stats the counts in `onStatsUpdate`
 * @property {(moment: Moment) => Said[]} [greeted] it is connected
 * @property {(it: Notification, moment: Moment) => Said[]} notified there is a new one
 * @property {(state: string, id: string, moment: Moment) => Said[]} [marked] one was `read`, made `unread`, `archived` or `deleted`
 * @property {(counts: Counts, moment: Moment) => Said[]} [counted] how many there are, on connecting and after each change
 * @property {(counts: Counts) => Said[]} [unread] the answer to a question for the count
 * @property {(asked: Asked) => Ask | null} asked what a frame asks for; null if it makes no sense
 * @property {(reason: string, moment: Moment) => Said} [refused]
 */

/** The words of Tidings itself. @type {Dialect} */
export const CANONICAL = {
    shown: (it) => it,
    stats: (counts) => counts,
    notified: (it) => [{ type: "notification", data: it }],
    marked: (state, id) => [{ type: "mark", data: { state, id } }],
    counted: (counts) => [{ type: "counts", data: counts }],
    unread: (counts) => [{ type: "counts", data: counts }],
    asked({ type, state, until, ids, up_to, filter }) {
        if (type === "counts") return { count: true };
        return type === "mark" ? { mark: { state, until, ids, up_to, filter } } : ping({ type });
    },
};

/**
 * What all of them understand.
 * @param {Asked} asked
 * @returns {Ask | null}
 */
export function ping({ type }) {
    return type === "ping" ? { pong: true } : null;
}
