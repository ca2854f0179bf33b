// Leader election: one of all tabs and workers of an account leads at a time, and shows that it
// lives.

import { storageName } from "../client/names.js";
import { Leader } from "./leader.js";

/** @import {TokenSource} from "../client/http.js" */
/** @import {Operation} from "../client/protocol.js" */
/** @import {LeaderReport, LeaderSettings} from "./leader.js" */

/**
 * A token, or why there is none: `refused`: nobody is signed in; `failed`: the page raised an
 * error.
 * @typedef {{token: string | null, refused?: string, failed?: string}} TokenAnswer
 */

/**
 * What a tab asks of the leader, and tells the other tabs.
 * @typedef {object} TabRequest
 * @property {LeaderSettings} [join] it is here, and wants the whole state
 * @property {true} [leave]
 * @property {true} [wake]
 * @property {true} [bye] the person signs out
 * @property {Operation} [operate]
 * @property {string} [withdraw] the name of an operation
 * @property {TokenAnswer & {number: number}} [token] the answer to `ask`
 */

/** @typedef {TabRequest & {tab: string}} TabMessage */

/**
 * What a leader tells the tabs: a report, a sign of life, or a question for a token.
 * @typedef {LeaderReport & {beat?: true, ask?: {tab: string, number: number, refresh: boolean}}
 *     } LeaderMessage
 */

/**
 * Raise it when messages change: tabs that still run the code from before an upgrade of the edge
 * then form a group of their own.
 */
const MESSAGES_VERSION = 2;
const HEARTBEAT_MILLISECONDS = 2000;

export class LeaderElection {
    #leader;
    #tell;
    #groupName;
    #resigned = new AbortController();
    /** Whether it leads; false while it waits for its turn. */ isLeader = false;

    /**
     * @param {LeaderSettings} settings
     * @param {TokenSource} getToken
     * @param {(message: LeaderMessage) => void} tell
     */
    constructor(settings, getToken, tell) {
        this.#groupName = groupName(settings);
        this.#tell = tell;
        // Once it is replaced, what its connection ends with is no concern of the other tabs.
        this.#leader = new Leader(settings, getToken, (report) => {
            if (this.isLeader) tell(report);
        });
    }

    /**
     * Wait until nobody else leads, then lead until resigned or replaced.
     * @param {{steal?: boolean}} [options] `steal`: replace a leader that shows no sign of life
     * @returns {Promise<boolean>} false if the browser has no locks, or refuses them
     */
    async run({ steal = false } = {}) {
        const { signal } = this.#resigned;
        let isGranted = false;
        const lead = () => {
            isGranted = true;
            return this.lead();
        };
        try {
            // A request that steals cannot be aborted (Web Locks API).
            await navigator.locks.request(this.#groupName, steal ? { steal } : { signal }, lead);
        } catch {
            // Aborted, replaced by another tab, or refused.
        }
        const isRefused = !isGranted && !signal.aborted;
        if (!isRefused) this.resign();
        return !isRefused;
    }

    /** Lead without waiting for others, until resigned. */
    async lead() {
        if (this.#resigned.signal.aborted) return;
        this.isLeader = true;
        const timer = setInterval(() => {
            if (this.isLeader) this.#tell({ beat: true });
        }, HEARTBEAT_MILLISECONDS);
        await this.#leader.run().finally(() => clearInterval(timer));
    }

    /** Stop leading, or waiting. */
    resign() {
        this.isLeader = false;
        this.#resigned.abort();
        this.#leader.stop();
    }

    /** Do what a tab asks of the leader. @param {TabRequest} message */
    handleRequest({ join, wake, operate, withdraw, bye }) {
        if (!this.isLeader) return;
        if (join) this.#leader.reportLog();
        if (wake) this.#leader.wake();
        if (operate) this.#leader.addOperation(operate);
        if (withdraw) this.#leader.withdrawOperation(withdraw);
        if (bye) this.#leader.forgetLog();
    }
}

/**
 * Return the name under which all tabs of an account meet: of their channel, lock and worker.
 * @param {{url: string, account: string | null}} settings
 */
export function groupName({ url, account }) {
    return `${storageName(url, account ?? "")} ${MESSAGES_VERSION}`;
}
