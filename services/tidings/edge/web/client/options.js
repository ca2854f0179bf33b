// Options: how a page wants to be connected, and the defaults.

/** @import {Callbacks} from "./page-callbacks.js" */
/** @import {LeaderSettings} from "../sharing/leader.js" */
/** @import {Sharing} from "../sharing/tab-sharing.js" */
/** @import {GetToken} from "./tokens.js" */

/**
 * How to connect; the README says more of each.
 * @typedef {object} ConnectOptions
 * @property {string} [url] the edge, with the path that a proxy serves it under; by default where
 *     this module came from
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
 * @property {number} [reconnectInterval] the pause itself, in ms, instead of a random one
 * @property {number} [maxReconnectAttempts]
 */

/** @typedef {ConnectOptions & Callbacks} Options */

const MODULE_PATH = "/web/client/options.js";

/** Return options with their defaults. @param {Options} options */
export function withDefaults(options) {
    const { autoReconnect = true, maxReconnectAttempts, url, ...others } = options;
    return {
        url: url ? rootAddress(url) : addressOfModule(import.meta.url),
        share: /** @type {Sharing} */ ("auto"),
        transports: ["socket", "stream", "log"],
        keep: 500,
        reconnectInterval: /** @type {number | null} */ (null),
        minimumDelay: 500,
        maximumDelay: 20_000,
        undo: 5000,
        attempts: autoReconnect ? (maxReconnectAttempts ?? Infinity) : 0,
        ...others,
    };
}

/**
 * Return an edge's address without what follows its path, and without a slash at its end.
 * @param {string} url absolute, or relative to the page
 */
function rootAddress(url) {
    const { origin, pathname } = new URL(url, globalThis.location?.href);
    return origin + pathname.replace(/\/+$/, "");
}

/**
 * Return the address of the edge that a module came from. Of a bundle's address only the origin is
 * known to be the edge's.
 * @param {string} address
 */
export function addressOfModule(address) {
    const { origin, pathname } = new URL(address);
    return pathname.endsWith(MODULE_PATH)
        ? origin + pathname.slice(0, -MODULE_PATH.length)
        : origin;
}

/**
 * Return the options that a leader needs; as plain data, because they are sent to a worker.
 * @param {ReturnType<typeof withDefaults>} options
 * @returns {LeaderSettings}
 */
export function leaderSettings(options) {
    const { url, account = null, device = "", transports, keep, getToken } = options;
    const { reconnectInterval, minimumDelay, maximumDelay, attempts } = options;
    const retry = { reconnectInterval, minimumDelay, maximumDelay, attempts };
    return { url, account, device, transports, keep, usesCookie: !getToken, ...retry };
}
