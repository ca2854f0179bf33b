// Link: one connection to an edge, kept up for as long as it is wanted: by whichever transport works, with pauses that grow.

import { Ended } from "./ended.js";
import { sleep, TRANSPORTS } from "./transports.js";

/** @import {Cursor, Frame, State} from "./protocol.js" */

/**
 * What a link is told and asks for; `take` says whether a frame follows upon the last one.
 * @typedef {object} Ends
 * @property {(wanted: {refresh: boolean}) => Promise<string | null>} token raises Unauthorised
 * @property {() => Cursor | null} cursor
 * @property {(frame: Frame) => boolean} take
 * @property {(state: State, more: {retryAt?: number | null, reason?: string | null}) => void} state
 * @property {(error: {code: string, message: string, temporary: boolean}) => void} error
 */

/** @typedef {{url: string, device: string, transports: string[], minimumDelay: number, maximumDelay: number, attempts: number}} Terms */

const OPEN_MILLISECONDS = 12_000;
const SILENCE_MILLISECONDS = 35_000;
const STABLE_MILLISECONDS = 30_000;
const WAKE_JITTER_MILLISECONDS = 500;
const DEAD_AFTER_HEARTBEATS = 1.4;
const PROBE_MILLISECONDS = 4000;
const PATIENCE_LIMIT = 16;
const REFUSALS_LIMIT = 2;

/** There is nobody to connect for: there is no token, and getting another one will not help. */
export class Unauthorised extends Error {
    name = "Unauthorised";
}

export class Link {
    #terms;
    #ends;
    #stopped = new AbortController();
    /** Ends whatever is waited for when the link is stopped. @type {Promise<never>} */ #halt = new Promise((_, reject) => {
        this.#stopped.signal.addEventListener("abort", () => reject(new Ended(0, "closed")));
    });
    #failures = 0;
    #refusals = 0;
    #first = 0;
    #refresh = false;
    /** What the address must name, if not every edge serves this person. @type {string | undefined} */ partition;
    /** @type {AbortController | null} */ #pause = null;
    /** @type {AbortController | null} */ #attempt = null;
    /** @type {((frame: object) => void) | null} */ #send = null;
    #deadline = Infinity;
    #heartbeat = OPEN_MILLISECONDS;
    /** How much longer than usual silence is borne: what is large comes late over a slow network, and would never come otherwise. */
    #patience = 1;
    /** @type {Ended | null} */ #cut = null;

    /**
     * @param {Terms} terms
     * @param {Ends} ends
     */
    constructor(terms, ends) {
        this.#terms = terms;
        this.#ends = ends;
        this.#halt.catch(() => {}); // as a rule nobody waits
    }

    /** Connect, again and again, until stopped. */
    async run() {
        while (!this.#stopped.signal.aborted) {
            const began = performance.now();
            const ended = await this.#connect();
            if (this.#stopped.signal.aborted) break;
            if (performance.now() - began > STABLE_MILLISECONDS) this.#failures = 0;
            await this.#wait(ended);
        }
        this.#ends.state("offline", {});
    }

    stop() {
        this.#stopped.abort();
        this.#pause?.abort();
        this.#attempt?.abort();
    }

    /** Come back now, if it is not there: the network, the page or the person has come back. If it is, see whether it still is. */
    wake() {
        if (this.#pause) this.#pause.abort();
        else if (performance.now() > this.#deadline) this.#end(new Ended(4100, "nothing was heard for too long"));
        else if (this.#send && this.#heard) this.#probe(this.#send);
    }

    /** @param {(frame: object) => void} send */
    #probe(send) {
        const deadline = performance.now() + PROBE_MILLISECONDS * this.#patience;
        if (this.#deadline <= deadline) return; // it is due to be heard anyway
        this.#deadline = deadline;
        send({ type: "ping" });
    }

    /** Tell the edge that this device has everything up to a cursor, where the transport can. @param {Cursor} cursor */
    ack(cursor) {
        this.#send?.({ type: "ack", cursor });
        return this.#send !== null;
    }

    /** One connection from its first word to its end, by the first transport that works. */
    async #connect() {
        this.#ends.state("connecting", {});
        let ended = new Ended(0, "nothing answered");
        try {
            const token = await Promise.race([this.#ends.token({ refresh: this.#refresh }), this.#halt]);
            this.#refresh = false;
            for (let tried = 0; tried < this.#terms.transports.length; tried += 1) {
                ended = await this.#speak(this.#terms.transports[this.#first], token);
                if (ended.code || this.#heard || this.#stopped.signal.aborted) break;
                this.#first = (this.#first + 1) % this.#terms.transports.length;
            }
        } catch (error) {
            ended = error instanceof Unauthorised ? new Ended(403, error.message) : new Ended(0, String(error));
            if (error instanceof Unauthorised) this.#refusals = REFUSALS_LIMIT;
        }
        return ended;
    }

    #heard = false;

    /**
     * @param {string} transport
     * @param {string | null} token
     * @returns {Promise<Ended>}
     */
    async #speak(transport, token) {
        const attempt = (this.#attempt = new AbortController());
        [this.#heard, this.#cut, this.#heartbeat] = [false, null, OPEN_MILLISECONDS];
        const { url, device } = this.#terms;
        const line = { url, token, device, cursor: this.#ends.cursor(), partition: this.partition, signal: attempt.signal };
        const watch = setInterval(() => performance.now() > this.#deadline && this.#giveUp(), 1000);
        this.#beat();
        try {
            for await (const frame of TRANSPORTS[transport]({ ...line, sends: (send) => (this.#send = send) })) {
                if (!this.#heard) this.#begin(frame);
                this.#beat();
                if (!this.#take(frame)) throw new Ended(4100, "something was missed");
                if (attempt.signal.aborted) break;
            }
            return this.#cut ?? new Ended(0, "the connection ended");
        } catch (error) {
            return this.#cut ?? (error instanceof Ended ? error : new Ended(0, String(error)));
        } finally {
            clearInterval(watch);
            attempt.abort();
            [this.#attempt, this.#send, this.#deadline] = [null, null, Infinity];
        }
    }

    /** Somebody answers; where no hello comes, by the log, what was missed comes at once. @param {Frame} frame */
    #begin(frame) {
        [this.#heard, this.#heartbeat] = [true, SILENCE_MILLISECONDS];
        if (frame.type !== "hello") this.#ends.state("catching up", {});
    }

    /** @param {Frame} frame */
    #take(frame) {
        switch (frame.type) {
            case "hello":
                this.#heartbeat = frame.heartbeat_seconds * 1000 * DEAD_AFTER_HEARTBEATS;
                this.#beat();
                break;
            case "move":
                this.#moveAfter(frame.after_milliseconds);
                break;
            case "token_expiring":
                this.#renew();
                break;
            case "error":
                this.#ends.error({ code: frame.code, message: frame.message, temporary: frame.retry });
        }
        if (!this.#ends.take(frame)) return false;
        if (frame.type === "live") this.#ends.state("live", {});
        else if (frame.type === "hello" || frame.type === "snapshot" || frame.type === "reset") this.#ends.state("catching up", {});
        if (frame.type === "live") [this.#refusals, this.#patience] = [0, 1];
        return true;
    }

    #beat() {
        this.#deadline = performance.now() + this.#heartbeat * this.#patience;
    }

    #giveUp() {
        if (this.#heard) this.#patience = Math.min(2 * this.#patience, PATIENCE_LIMIT);
        this.#end(new Ended(this.#heard ? 4100 : 0, "silence"));
    }

    /** @param {number} milliseconds a time slot of our own */
    #moveAfter(milliseconds) {
        const attempt = this.#attempt;
        setTimeout(() => attempt === this.#attempt && this.#end(new Ended(4101, "this edge stops", 0)), milliseconds);
    }

    /** Go on with a newer token, where that can be said; elsewhere the connection ends with the old one, and another begins. */
    async #renew() {
        const attempt = this.#attempt;
        const token = await this.#ends.token({ refresh: true }).catch(() => null);
        if (token && attempt === this.#attempt) this.#send?.({ type: "auth", token });
    }

    /** @param {Ended} ended */
    #end(ended) {
        this.#cut ??= ended;
        this.#attempt?.abort();
    }

    /** Stay away as long as this end asks for, or until woken. @param {Ended} ended */
    async #wait(ended) {
        const milliseconds = this.#delay(ended);
        const retryAt = milliseconds === null ? null : Date.now() + milliseconds;
        const signedOut = ended.needsToken && milliseconds === null;
        const state = signedOut ? "signed out" : ended.planned && this.#heard ? "connecting" : "offline";
        const pause = (this.#pause = new AbortController()); // whoever is told may stop or wake it at once
        if (milliseconds !== 0) this.#ends.state(state, { retryAt, reason: ended.message });
        if (milliseconds === null) this.#ends.error({ code: String(ended.code), message: ended.message, temporary: false });
        const woken = await sleep(milliseconds ?? 2 ** 31 - 1, pause.signal).then(() => false, () => true);
        this.#pause = null;
        if (woken && !this.#stopped.signal.aborted) await sleep(Math.random() * WAKE_JITTER_MILLISECONDS, this.#stopped.signal).catch(() => {});
    }

    /** How long to stay away, in milliseconds; null: until somebody asks. @param {Ended} ended */
    #delay(ended) {
        this.partition = /partition=(\d+)/.exec(ended.message)?.[1] ?? this.partition;
        if (ended.needsToken) {
            this.#refresh = true;
            this.#refusals += 1;
            return this.#refusals > REFUSALS_LIMIT ? null : this.#refusals === 1 ? 0 : this.#backoff();
        }
        if (ended.final || this.#failures >= this.#terms.attempts) return null;
        if (ended.planned && this.#heard) return ended.afterMilliseconds ?? Math.random() * WAKE_JITTER_MILLISECONDS;
        return Math.max(ended.afterMilliseconds ?? 0, this.#backoff());
    }

    /** Full jitter: anything up to a limit that doubles with each failure. */
    #backoff() {
        const limit = Math.min(this.#terms.maximumDelay, this.#terms.minimumDelay * 2 ** this.#failures);
        this.#failures += 1;
        return Math.random() * limit;
    }
}
