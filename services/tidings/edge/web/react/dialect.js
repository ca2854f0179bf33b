// Dialect: the frames in which one product's pages talk. All of it is pure.

/** @import {Counts, Filter, MarkState, Notification} from "../client/protocol.js" */

/** @typedef {Record<string, any>} DialectFrame a frame for the page */
/** @typedef {Record<string, any>} PageFrame a frame of the page's */

/**
 * What a frame of the page's asks for. `subscribed`: the type that it subscribes to, which is
 * acknowledged: a page hears of all notifications anyway.
 * @typedef {{pong?: true, count?: true, subscribed?: string,
 *     mark?: {state: MarkState, until?: string, ids?: string[], up_to?: string, filter?: Filter}
 * }} PageRequest
 */

/**
 * The time, the user, the connection, the counts and the loaded notifications that a frame names.
 * @typedef {{now: string, user: string, connection: string, counts: Counts,
 *     notifications: readonly Notification[]}} FrameContext
 */

/**
 * What a product's module defines; without an optional function there is no such frame.
 * @typedef {object} Dialect
 * @property {(it: Notification, user: string) => Record<string, any>} toNotification a notification
 *     in lists and in `onNotification`
 * @property {(counts: Counts, loaded: readonly Notification[]) => Record<string, any>} toStats the
 *     counts in `onStatsUpdate`, of which some are counted from the loaded notifications
 * @property {(context: FrameContext) => DialectFrame[]} [connectedFrames]
 * @property {(it: Notification, context: FrameContext) => DialectFrame[]} notificationFrames
 *     for a new one
 * @property {(state: string, id: string, context: FrameContext) => DialectFrame[]} [markFrames]
 *     when one was `read`, made `unread`, `archived` or `deleted`
 * @property {(counts: Counts, context: FrameContext) => DialectFrame[]} [countFrames] on connecting
 *     and after each change
 * @property {(counts: Counts) => DialectFrame[]} [countAnswer] to a question for the count
 * @property {(frame: PageFrame) => PageRequest | null} parseRequest null if it makes no sense
 * @property {(context: FrameContext) => DialectFrame} [pongFrame]
 * @property {(reason: string, context: FrameContext) => DialectFrame} [errorFrame]
 */

/** The frames of Tidings itself. @type {Dialect} */
export const CANONICAL = {
    toNotification: (it) => it,
    toStats: (counts) => counts,
    notificationFrames: (it) => [{ type: "notification", data: it }],
    markFrames: (state, id) => [{ type: "mark", data: { state, id } }],
    countFrames: (counts) => [{ type: "counts", data: counts }],
    countAnswer: (counts) => [{ type: "counts", data: counts }],
    parseRequest({ type, state, until, ids, up_to, filter }) {
        if (type === "counts") return { count: true };
        if (type === "mark") return { mark: { state, until, ids, up_to, filter } };
        return parsePing({ type });
    },
};

/**
 * Parse what all products' pages may send.
 * @param {PageFrame} frame
 * @returns {PageRequest | null}
 */
export function parsePing({ type }) {
    return type === "ping" ? { pong: true } : null;
}
