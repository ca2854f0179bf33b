// Retry policy: how long to wait before the next attempt to connect.

/** @import {CloseReason} from "./close-reason.js" */

/**
 * Pauses in milliseconds; `reconnectInterval`, if it is set, is each pause itself.
 * @typedef {object} RetrySettings
 * @property {number | null} reconnectInterval
 * @property {number} minimumDelay
 * @property {number} maximumDelay
 * @property {number} attempts
 */

export const WAKE_JITTER_MILLISECONDS = 500;
const REFUSALS_LIMIT = 2;

export class RetryPolicy {
    #settings;
    #failures = 0;
    #refusals = 0;
    /** Whether the next attempt needs another token. */ needsRefresh = false;

    /** @param {RetrySettings} settings */
    constructor(settings) {
        this.#settings = settings;
    }

    /** Note that a connection was stable: pauses are short again. */
    resetFailures() {
        this.#failures = 0;
    }

    /** Note that the edge accepts the token. */
    resetRefusals() {
        this.#refusals = 0;
    }

    /** Note that there is no token: the next refusal is the last one. */
    exhaustRefusals() {
        this.#refusals = REFUSALS_LIMIT;
    }

    /**
     * Return how long to wait after a connection ended.
     * @param {CloseReason} reason
     * @param {boolean} wasOpen whether the edge answered
     * @returns {number | null} milliseconds; null: until the page asks
     */
    delayAfter(reason, wasOpen) {
        if (reason.needsToken) return this.#delayAfterRefusal();
        if (reason.isFinal || this.#failures >= this.#settings.attempts) return null;
        if (reason.isPlanned && wasOpen)
            return reason.retryAfterMilliseconds ?? Math.random() * WAKE_JITTER_MILLISECONDS;
        return Math.max(reason.retryAfterMilliseconds ?? 0, this.#backoff());
    }

    /** The first refusal is answered with another token at once: the old one may have expired. */
    #delayAfterRefusal() {
        this.needsRefresh = true;
        this.#refusals += 1;
        if (this.#refusals > REFUSALS_LIMIT) return null;
        return this.#refusals === 1 ? 0 : this.#backoff();
    }

    /**
     * Full jitter: any pause up to a limit that doubles with each failure, so that clients that
     * were cut off together do not reconnect together.
     */
    #backoff() {
        const { reconnectInterval, minimumDelay, maximumDelay } = this.#settings;
        const limit = Math.min(maximumDelay, minimumDelay * 2 ** this.#failures);
        this.#failures += 1;
        return reconnectInterval ?? Math.random() * limit;
    }
}
