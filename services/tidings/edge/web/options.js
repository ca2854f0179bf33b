// Options: how a page wants to be connected, and what holds where it says nothing.

/** @import {Counts, Notification} from "./protocol.js" */
/** @import {Terms} from "./leader.js" */
/** @import {Share} from "./tabs.js" */
/** @import {GetToken} from "./token.js" */

/**
 * How to connect; README.md beside this file says more of each.
 * @typedef {object} Options
 * @property {string} [url] the edge; as a rule where this module came from
 * @property {GetToken} [getToken] null, or Unauthorised raised: nobody is signed in; without it, the cookie says who it is
 * @property {string} [account] whose state it is; as a rule `tenant/user` of the token, and nothing is kept or shared without either
 * @property {string} [device] its name in receipts
 * @property {Share} [share] how tabs share one connection
 * @property {string[]} [transports] `socket`, `stream`, `log`, in the order in which they are tried
 * @property {number} [keep] how many notifications are kept for the next visit
 * @property {number} [minimumDelay] milliseconds before coming back, as a limit of what is chosen at random
 * @property {number} [maximumDelay] up to which it doubles
 * @property {number} [undo] milliseconds in which a deletion can be taken back
 * @property {boolean} [autoReconnect]
 * @property {number} [reconnectInterval] another name of `minimumDelay`
 * @property {number} [maxReconnectAttempts]
 * @property {(notification: Notification) => void} [onNotification]
 * @property {(counts: Counts) => void} [onStatsUpdate]
 * @property {() => void} [onConnect]
 * @property {() => void} [onDisconnect]
 * @property {(error: {code: string, message: string, temporary: boolean}) => void} [onError]
 */

/** @param {Options} options with what it leaves out */
export function entire({ reconnectInterval, autoReconnect = true, maxReconnectAttempts = Infinity, ...others }) {
    return {
        url: new URL(import.meta.url).origin,
        share: /** @type {Share} */ ("auto"),
        transports: ["socket", "stream", "log"],
        keep: 500,
        minimumDelay: reconnectInterval ?? 500,
        maximumDelay: 20_000,
        undo: 5000,
        attempts: autoReconnect ? maxReconnectAttempts : 0,
        ...others,
    };
}

/**
 * What of it concerns whoever leads.
 * @param {ReturnType<typeof entire>} options
 * @returns {Terms}
 */
export function terms({ url, account, device = "", transports, keep, minimumDelay, maximumDelay, attempts }) {
    return { url, account: account ?? null, device, transports, keep, minimumDelay, maximumDelay, attempts };
}
