// Page callbacks: the functions in the options, called beside the client's events.

/** @import {Counts, Notification} from "./protocol.js" */

/**
 * @typedef {object} Callbacks
 * @property {(notification: Notification) => void} [onNotification]
 * @property {(counts: Counts) => void} [onStatsUpdate]
 * @property {() => void} [onConnect]
 * @property {() => void} [onDisconnect]
 * @property {(error: {code: string, message: string, temporary: boolean}) => void} [onError]
 */

export class PageCallbacks {
    #callbacks;
    /** The last counts reported, as JSON. */ #reportedCounts = "";

    /** @param {Callbacks} callbacks */
    constructor(callbacks) {
        this.#callbacks = callbacks;
    }

    /**
     * Call the callback of an event, if there is one.
     * @param {string} event
     * @param {any} detail
     * @param {() => Counts} getCounts
     */
    reportEvent(event, detail, getCounts) {
        const { onNotification, onConnect, onDisconnect, onError } = this.#callbacks;
        if (event === "notification") callSafely(onNotification, detail.notification);
        if (event === "caughtup") callSafely(onConnect);
        if (event === "state" && detail.previous === "live") callSafely(onDisconnect);
        if (event === "error") callSafely(onError, detail);
        if (event === "change") this.#reportCounts(getCounts());
    }

    /** @param {Counts} counts */
    #reportCounts(counts) {
        const text = JSON.stringify(counts);
        if (text !== this.#reportedCounts) callSafely(this.#callbacks.onStatsUpdate, counts);
        this.#reportedCounts = text;
    }
}

/**
 * Call a function of the page. A failure is reported as the page's own uncaught error, so that the
 * client goes on.
 * @template {unknown[]} T
 * @param {((...values: T) => void) | undefined} callback
 * @param {T} values
 */
function callSafely(callback, ...values) {
    try {
        callback?.(...values);
    } catch (error) {
        globalThis.reportError?.(error);
    }
}
