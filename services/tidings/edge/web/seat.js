// Seat: the leader's place, which one of all tabs and workers of an account holds at a time, and shows that it does.

import { Leader } from "./leader.js";

/** @import {Operation} from "./protocol.js" */
/** @import {Saying, Terms} from "./leader.js" */

/**
 * A token, or why there is none: `refused` if there will be none before somebody signs in.
 * @typedef {{token: string | null, refused?: string, failed?: string}} Shown
 */

/**
 * What a tab says to whoever leads, and to the other tabs.
 * @typedef {{tab: string, join?: Terms, leave?: true, wake?: true, bye?: true, operate?: Operation, withdraw?: string,
 *     token?: Shown & {number: number}}} Asking
 * @typedef {Saying | {beat: true} | {ask: {tab: string, number: number, refresh: boolean}}} Telling
 */

/** Of what tabs and leaders say to each other: those of another version, from before the edge was renewed, meet elsewhere. */
const VERSION = 1;
const BEAT_MILLISECONDS = 2000;

export class Seat {
    #leader;
    #tell;
    #name;
    #left = new AbortController();
    /** Whether it is held, not only waited for. */
    held = false;

    /**
     * @param {Terms} terms
     * @param {(wanted: {refresh?: boolean}) => Promise<string | null>} token
     * @param {(telling: Telling) => void} tell
     */
    constructor(terms, token, tell) {
        this.#name = nameOf(terms);
        this.#tell = tell;
        this.#leader = new Leader(terms, token, tell);
    }

    /**
     * Wait for the seat, or take it from one that shows no sign of life, and lead from it until it is left or taken.
     * @param {{steal?: boolean, alone?: boolean}} [how]
     */
    async take({ steal = false, alone = false } = {}) {
        if (alone || !navigator.locks) return this.#lead();
        const options = steal ? { steal } : { signal: this.#left.signal };
        await navigator.locks.request(this.#name, options, () => this.#lead()).catch(() => {}); // left, or taken from us
        this.leave();
    }

    leave() {
        this.held = false;
        this.#left.abort();
        this.#leader.stop();
    }

    /** @param {Asking} asking */
    hear({ join, wake, operate, withdraw, bye }) {
        if (!this.held) return;
        if (join) this.#leader.report();
        if (wake) this.#leader.wake();
        if (operate) this.#leader.operate(operate);
        if (withdraw) this.#leader.withdraw(withdraw);
        if (bye) this.#leader.forget();
    }

    async #lead() {
        if (this.#left.signal.aborted) return;
        this.held = true;
        const beating = setInterval(() => this.held && this.#tell({ beat: true }), BEAT_MILLISECONDS);
        await this.#leader.run().finally(() => clearInterval(beating));
    }
}

/**
 * What all tabs of an account call the place where they meet.
 * @param {{url: string, account: string | null}} terms
 */
export function nameOf({ url, account }) {
    return `tidings ${VERSION} ${new URL(url).origin} ${account}`;
}
