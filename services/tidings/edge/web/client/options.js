// Options: how a page wants to be connected, and the defaults.

/** @import {Callbacks} from "./page-callbacks.js" */
/** @import {LeaderSettings} from "../sharing/leader.js" */
/** @import {Sharing} from "../sharing/tab-sharing.js" */
/** @import {GetToken} from "./tokens.js" */

/**
 * How to connect; the README says more of each.
 * @typedef {object} ConnectOptions
 * @property {string} [url] the edge; by default where this module came from
 * @property {GetToken} [getToken] returns null or raises Unauthorised: nobody is signed in; without
 *     it, the cookie identifies the person
 * @property {string} [account] whose state is kept and shared; by default `tenant/user` of the
 *     token; without either nothing is kept or shared
 * @property {string} [device] its name in receipts
 * @property {Sharing} [share] how tabs share one connection
 * @property {string[]} [transports] `socket`, `stream`, `log`, in the order in which to try them
 * @property {number} [keep] how many notifications are kept for the next visit
 * @property {number} [minimumDelay] limit of the first random pause before reconnecting, in ms
 * @property {number} [maximumDelay] up to which that limit doubles
 * @property {number} [undo] milliseconds in which a deletion can be undone
 * @property {boolean} [autoReconnect]
 * @property {number} [reconnectInterval] another name of `minimumDelay`
 * @property {number} [maxReconnectAttempts]
 */

/** @typedef {ConnectOptions & Callbacks} Options */

/** Return options with their defaults. @param {Options} options */
export function withDefaults(options) {
    const { reconnectInterval, autoReconnect = true, maxReconnectAttempts, ...others } = options;
    return {
        url: new URL(import.meta.url).origin,
        share: /** @type {Sharing} */ ("auto"),
        transports: ["socket", "stream", "log"],
        keep: 500,
        minimumDelay: reconnectInterval ?? 500,
        maximumDelay: 20_000,
        undo: 5000,
        attempts: autoReconnect ? (maxReconnectAttempts ?? Infinity) : 0,
        ...others,
    };
}

/**
 * Return the options that a leader needs; as plain data, because they are sent to a worker.
 * @param {ReturnType<typeof withDefaults>} options
 * @returns {LeaderSettings}
 */
export function leaderSettings(options) {
    const { url, account = null, device = "", transports, keep } = options;
    const { minimumDelay, maximumDelay, attempts } = options;
    return { url, account, device, transports, keep, minimumDelay, maximumDelay, attempts };
}
