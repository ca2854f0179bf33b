// Close reason: why a connection or a request ended, and when and how to try again.

import { CLOSE_CODES, FIRST_FINAL_CODE } from "./close-codes.js";

/**
 * What a close reason or a refused request says beside its code.
 * @typedef {object} RetryHints
 * @property {number | null} [retryAfterMilliseconds] do not reconnect before; null if not said
 * @property {string} [partition] the part of the people that another edge serves
 */

/** Nobody is signed in: there is no token, and asking for another one does not help. */
export class Unauthorised extends Error {
    name = "Unauthorised";
}

/**
 * `code` is a WebSocket close code (README of the edge), an HTTP status, or 0 if nothing answered.
 */
export class CloseReason extends Error {
    /**
     * @param {number} code
     * @param {string} message
     * @param {RetryHints} [hints]
     */
    constructor(code, message, { retryAfterMilliseconds = null, partition } = {}) {
        super(message);
        this.code = code;
        this.retryAfterMilliseconds = retryAfterMilliseconds;
        this.partition = partition;
    }

    /** Whether another token is needed. */
    get needsToken() {
        return [401, 403].includes(this.code) || Boolean(CLOSE_CODES[this.code]?.needsToken);
    }

    /** Whether reconnecting is of no use until the page or the edge is changed. */
    get isFinal() {
        const isFinalCode = this.code >= FIRST_FINAL_CODE && this.code < 5000;
        return isFinalCode || this.code === 400 || this.code === 404;
    }

    /** Whether the edge closed on purpose and expects the client back at once. */
    get isPlanned() {
        return Boolean(CLOSE_CODES[this.code]?.isPlanned);
    }
}

/**
 * Return the reason that the edge closed a connection with.
 * @param {number} code
 * @param {string} text JSON with the fields `message`, `retry_after_seconds` and `partition`; any
 *     other text, as of a browser or a proxy, is the message
 */
export function parseCloseReason(code, text) {
    const { message = text, ...fields } = parseFields(text);
    return new CloseReason(code, message, hintsFrom(fields));
}

/**
 * Return the hints in the fields of a close reason or of an `error` event.
 * @param {{retry_after_seconds?: number, partition?: number}} fields
 * @returns {RetryHints}
 */
export function hintsFrom({ retry_after_seconds: seconds, partition }) {
    const retryAfterMilliseconds = typeof seconds === "number" ? seconds * 1000 : null;
    return { retryAfterMilliseconds, partition: toText(partition) };
}

/**
 * Return the reason of a refused request (RFC 9457), with its `body` and that one's `reason`.
 * @param {Response} response
 */
export async function parseRefusal(response) {
    const body = await response.json().catch(() => ({}));
    const seconds = Number(response.headers.get("retry-after"));
    const reason = new CloseReason(response.status, body.detail ?? response.statusText, {
        retryAfterMilliseconds: seconds > 0 ? seconds * 1000 : null,
        partition: toText(body.partition),
    });
    return Object.assign(reason, { body, reason: body.reason });
}

/** @param {string} text @returns {Record<string, any>} empty if the text is not a JSON object */
function parseFields(text) {
    try {
        return Object(JSON.parse(text));
    } catch {
        return {};
    }
}

/** @param {string | number | null | undefined} value */
function toText(value) {
    return value === undefined || value === null ? undefined : String(value);
}
