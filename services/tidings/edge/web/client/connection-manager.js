// Connection manager: keeps one connection to an edge up, by whichever transport works.

import { CloseReason, Unauthorised } from "./close-reason.js";
import { RetryPolicy, WAKE_JITTER_MILLISECONDS } from "./retry-policy.js";
import { sleep, TRANSPORTS } from "./transports.js";

/** @import {ConnectionState, Cursor, Frame} from "./protocol.js" */
/** @import {RetrySettings} from "./retry-policy.js" */

/** @typedef {{retryAt?: number | null, reason?: string | null}} StateDetail */

/**
 * What a connection manager asks for and reports.
 * @typedef {object} ConnectionHandlers
 * @property {(wanted: {refresh: boolean}) => Promise<string | null>} getToken raises Unauthorised
 * @property {() => Cursor | null} getCursor
 * @property {(frame: Frame) => boolean} onFrame false if the frame does not follow the last one
 * @property {(state: ConnectionState, more: StateDetail) => void} onState
 * @property {(error: {code: string, message: string, temporary: boolean}) => void} onError
 */

/**
 * @typedef {RetrySettings & {url: string, device: string, transports: string[]}} ConnectionSettings
 */

const OPEN_TIMEOUT_MILLISECONDS = 12_000;
const SILENCE_TIMEOUT_MILLISECONDS = 35_000;
const STABLE_AFTER_MILLISECONDS = 30_000;
const WATCH_INTERVAL_MILLISECONDS = 1000;
const DEAD_AFTER_HEARTBEATS = 1.4;
const PROBE_TIMEOUT_MILLISECONDS = 4000;
const PATIENCE_LIMIT = 16;
const FOREVER_MILLISECONDS = 2 ** 31 - 1;

const CATCH_UP_FRAMES = ["hello", "snapshot", "reset"];

export class ConnectionManager {
    #settings;
    #handlers;
    #retry;
    #stopped = new AbortController();
    /** Rejects when stopped, whatever is waited for. @type {Promise<never>} */ #stopping;
    /** Which transport is tried first: the last one that worked. */ #firstTransport = 0;
    /** Goes into the address where not every edge serves this person. @type {string | undefined} */
    partition;
    /** @type {AbortController | null} */ #pause = null;
    /** @type {AbortController | null} */ #attempt = null;
    /** @type {((frame: object) => void) | null} */ #send = null;
    /** Whether the edge has answered in this attempt. */ #isOpen = false;
    #deadline = Infinity;
    #silenceTimeout = OPEN_TIMEOUT_MILLISECONDS;
    /**
     * Factor on all timeouts, doubled after each silence: over a slow network a large snapshot
     * takes longer than a heartbeat, and with a fixed timeout it would never arrive.
     */
    #patience = 1;
    /** Why this side ended the attempt. @type {CloseReason | null} */ #ownReason = null;

    /**
     * @param {ConnectionSettings} settings
     * @param {ConnectionHandlers} handlers
     */
    constructor(settings, handlers) {
        this.#settings = settings;
        this.#handlers = handlers;
        this.#retry = new RetryPolicy(settings);
        this.#stopping = new Promise((_, reject) => {
            const { signal } = this.#stopped;
            signal.addEventListener("abort", () => reject(new CloseReason(0, "closed")));
        });
        this.#stopping.catch(() => {}); // without a token request nothing awaits it
    }

    /** Connect, again and again, until stopped. */
    async run() {
        while (!this.#stopped.signal.aborted) {
            const started = performance.now();
            const reason = await this.#connect();
            if (this.#stopped.signal.aborted) break;
            if (performance.now() - started > STABLE_AFTER_MILLISECONDS)
                this.#retry.resetFailures();
            await this.#waitAfter(reason);
        }
        this.#handlers.onState("offline", {});
    }

    stop() {
        this.#stopped.abort();
        this.#pause?.abort();
        this.#attempt?.abort();
    }

    /**
     * Reconnect now, because the network, the page or the person came back; if there is a
     * connection, check that it works.
     */
    wake() {
        if (this.#pause) this.#pause.abort();
        else if (performance.now() > this.#deadline)
            this.#endAttempt(new CloseReason(4100, "no frame in time"));
        else if (this.#send && this.#isOpen) this.#probe(this.#send);
    }

    /** Reconnect now, though the connection works. */
    reconnect() {
        this.#endAttempt(new CloseReason(4101, "reconnecting", { retryAfterMilliseconds: 0 }));
    }

    /**
     * Tell the edge that this device has everything up to a cursor.
     * @param {Cursor} cursor
     * @returns {boolean} false if the transport cannot send
     */
    acknowledge(cursor) {
        this.#send?.({ type: "ack", cursor });
        return this.#send !== null;
    }

    /**
     * Ask for an answer; without one the connection is given up.
     * @param {(f: object) => void} send
     */
    #probe(send) {
        const deadline = performance.now() + PROBE_TIMEOUT_MILLISECONDS * this.#patience;
        if (this.#deadline <= deadline) return; // a heartbeat is due earlier anyway
        this.#deadline = deadline;
        send({ type: "ping" });
    }

    /** Make one connection, by the first transport that works; returns why it ended. */
    async #connect() {
        this.#handlers.onState("connecting", {});
        try {
            const refresh = this.#retry.needsRefresh;
            const token = await Promise.race([
                this.#handlers.getToken({ refresh }),
                this.#stopping,
            ]);
            this.#retry.needsRefresh = false;
            return await this.#tryTransports(token);
        } catch (error) {
            if (!(error instanceof Unauthorised)) return new CloseReason(0, String(error));
            this.#retry.exhaustRefusals();
            return new CloseReason(403, error.message);
        }
    }

    /** @param {string | null} token */
    async #tryTransports(token) {
        const { transports } = this.#settings;
        let reason = new CloseReason(0, "nothing answered");
        for (let tried = 0; tried < transports.length; tried += 1) {
            reason = await this.#runTransport(transports[this.#firstTransport], token);
            if (reason.code || this.#isOpen || this.#stopped.signal.aborted) break;
            this.#firstTransport = (this.#firstTransport + 1) % transports.length;
        }
        return reason;
    }

    /**
     * Read frames until the connection ends.
     * @param {string} transport
     * @param {string | null} token
     * @returns {Promise<CloseReason>}
     */
    async #runTransport(transport, token) {
        const attempt = this.#beginAttempt();
        const request = {
            ...{ url: this.#settings.url, device: this.#settings.device, token },
            ...{ cursor: this.#handlers.getCursor(), partition: this.partition },
            signal: attempt.signal,
            onSender: (/** @type {(frame: object) => void} */ send) => {
                this.#send = send;
            },
        };
        const watch = setInterval(() => this.#checkDeadline(), WATCH_INTERVAL_MILLISECONDS);
        try {
            for await (const frame of TRANSPORTS[transport](request)) {
                if (!this.#isOpen) this.#noteOpen(frame);
                this.#extendDeadline();
                if (!this.#handleFrame(frame)) throw new CloseReason(4100, "a frame was missed");
                if (attempt.signal.aborted) break;
            }
            return this.#ownReason ?? new CloseReason(0, "the connection ended");
        } catch (error) {
            const reason = error instanceof CloseReason ? error : new CloseReason(0, String(error));
            return this.#ownReason ?? reason;
        } finally {
            clearInterval(watch);
            attempt.abort();
            [this.#attempt, this.#send, this.#deadline] = [null, null, Infinity];
        }
    }

    #beginAttempt() {
        const attempt = new AbortController();
        [this.#attempt, this.#isOpen, this.#ownReason] = [attempt, false, null];
        this.#silenceTimeout = OPEN_TIMEOUT_MILLISECONDS;
        this.#extendDeadline();
        return attempt;
    }

    /**
     * Note that the edge answers. Without a `hello` (by the log) the first frame already brings
     * what was missed.
     * @param {Frame} frame
     */
    #noteOpen(frame) {
        [this.#isOpen, this.#silenceTimeout] = [true, SILENCE_TIMEOUT_MILLISECONDS];
        if (frame.type !== "hello") this.#handlers.onState("catching up", {});
    }

    /** @param {Frame} frame @returns {boolean} false if the frame does not follow the last one */
    #handleFrame(frame) {
        this.#handleControl(frame);
        if (!this.#handlers.onFrame(frame)) return false;
        if (CATCH_UP_FRAMES.includes(frame.type)) this.#handlers.onState("catching up", {});
        if (frame.type !== "live") return true;
        this.#handlers.onState("live", {});
        this.#retry.resetRefusals();
        this.#patience = 1;
        return true;
    }

    /** @param {Frame} frame */
    #handleControl(frame) {
        switch (frame.type) {
            case "hello":
                this.#silenceTimeout = frame.heartbeat_seconds * 1000 * DEAD_AFTER_HEARTBEATS;
                this.#extendDeadline();
                break;
            case "move":
                this.#moveAfter(frame.after_milliseconds);
                break;
            case "token_expiring":
                this.#renewToken();
                break;
            case "error": {
                const { code, message, retry: temporary } = frame;
                this.#handlers.onError({ code, message, temporary });
            }
        }
    }

    #extendDeadline() {
        this.#deadline = performance.now() + this.#silenceTimeout * this.#patience;
    }

    #checkDeadline() {
        if (performance.now() <= this.#deadline) return;
        if (this.#isOpen) this.#patience = Math.min(2 * this.#patience, PATIENCE_LIMIT);
        this.#endAttempt(new CloseReason(this.#isOpen ? 4100 : 0, "no frame in time"));
    }

    /** Leave an edge that stops, in the time slot that it assigned. @param {number} milliseconds */
    #moveAfter(milliseconds) {
        const attempt = this.#attempt;
        setTimeout(() => attempt === this.#attempt && this.reconnect(), milliseconds);
    }

    /**
     * Send a newer token; where the transport cannot send, the connection ends and is made anew.
     */
    async #renewToken() {
        const attempt = this.#attempt;
        const token = await this.#handlers.getToken({ refresh: true }).catch(() => null);
        if (token && attempt === this.#attempt) this.#send?.({ type: "auth", token });
    }

    /** @param {CloseReason} reason */
    #endAttempt(reason) {
        this.#ownReason ??= reason;
        this.#attempt?.abort();
    }

    /**
     * Report an end, and wait as long as it asks for, or until woken.
     * @param {CloseReason} reason
     */
    async #waitAfter(reason) {
        this.partition = reason.partition ?? this.partition;
        const delay = this.#retry.delayAfter(reason, this.#isOpen);
        // Set before anything is reported: a handler may call `stop` or `wake` at once.
        const pause = new AbortController();
        this.#pause = pause;
        this.#reportEnd(reason, delay);
        const milliseconds = delay ?? FOREVER_MILLISECONDS;
        const wasWoken = await sleep(milliseconds, pause.signal).catch(() => true);
        this.#pause = null;
        if (!wasWoken || this.#stopped.signal.aborted) return;
        // All tabs and devices of a network wake at once when it comes back.
        await sleep(Math.random() * WAKE_JITTER_MILLISECONDS, this.#stopped.signal).catch(() => {});
    }

    /** @param {CloseReason} reason @param {number | null} delay */
    #reportEnd(reason, delay) {
        const isSignedOut = reason.needsToken && delay === null;
        const isReturning = reason.isPlanned && this.#isOpen;
        const state = isSignedOut ? "signed out" : isReturning ? "connecting" : "offline";
        const retryAt = delay === null ? null : Date.now() + delay;
        if (delay !== 0) this.#handlers.onState(state, { retryAt, reason: reason.message });
        if (delay !== null) return;
        const { code, message } = reason;
        this.#handlers.onError({ code: String(code), message, temporary: false });
    }
}
