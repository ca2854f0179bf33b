// Tab sharing: one connection for all tabs of an account, by a worker, by a lock, or not at all.

import { uuid } from "../client/uuid.js";
import { groupName, LeaderElection } from "./leader-election.js";

/** @import {Tokens} from "../client/tokens.js" */
/** @import {LeaderMessage, TabMessage, TokenAnswer} from "./leader-election.js" */
/** @import {LeaderSettings} from "./leader.js" */

/** @typedef {import("./leader-election.js").TabRequest} TabRequest */
/** @typedef {LeaderMessage & Partial<TabMessage>} GroupMessage */
/** @typedef {"auto" | "worker" | "locks" | "off"} Sharing */

const CHECK_INTERVAL_MILLISECONDS = 1000;
const LEADER_TIMEOUT_MILLISECONDS = 5000;
const START_TIMEOUT_MILLISECONDS = 4000;
const REPLACED_PAUSE_MILLISECONDS = 1000;
const REPLACED_AGAIN_MILLISECONDS = 30_000;

export class TabSharing {
    /** This tab's name in the group. */ #id = uuid();
    #settings;
    #tokens;
    #onMessage;
    /** @type {Sharing} */ #mode;
    /** @type {BroadcastChannel | null} */ #channel = null;
    /** @type {SharedWorker | null} */ #worker = null;
    /** @type {LeaderElection | null} */ #election = null;
    /** @type {ReturnType<typeof setInterval> | undefined} */ #timer;
    /** When the leader was last heard. */ #heardAt = 0;
    /** Whether the leader has reported its status. */ #hasStatus = false;
    /** Whether this tab tries to replace the leader. */ #isReplacing = false;
    /** When another tab last replaced this one. */ #replacedAt = -Infinity;

    /**
     * @param {LeaderSettings} settings
     * @param {Sharing} sharing
     * @param {Tokens} tokens
     * @param {(message: GroupMessage) => void} onMessage called with what the leader and the other
     *     tabs say
     */
    constructor(settings, sharing, tokens, onMessage) {
        this.#settings = settings;
        this.#tokens = tokens;
        this.#onMessage = onMessage;
        this.#mode = firstMode(sharing);
    }

    joinGroup() {
        const name = groupName(this.#settings);
        if (this.#mode !== "off") this.#channel = unlessRefused(() => new BroadcastChannel(name));
        if (!this.#channel) return this.#leadAlone();
        this.#channel.onmessage = ({ data }) => this.#handleMessage(data);
        this.#hasStatus = false;
        // The first leader has a little less time than one that was heard before.
        this.#heardAt =
            performance.now() - LEADER_TIMEOUT_MILLISECONDS + START_TIMEOUT_MILLISECONDS;
        this.#timer = setInterval(() => this.#checkLeader(), CHECK_INTERVAL_MILLISECONDS);
        if (this.#mode === "worker") this.#startWorker();
        else this.#queueForLead();
    }

    leaveGroup() {
        clearInterval(this.#timer);
        this.sendMessage({ leave: true });
        this.#election?.resign();
        this.#channel?.close();
        this.#worker?.port.close();
        [this.#election, this.#channel, this.#worker] = [null, null, null];
    }

    /** Send something to the leader and to the other tabs. @param {TabRequest} request */
    sendMessage(request) {
        const message = { tab: this.#id, ...request };
        this.#post(message);
        this.#election?.handleRequest(message);
    }

    /** Have a worker lead. */
    #startWorker() {
        const name = groupName(this.#settings);
        const address = new URL("../worker.js", import.meta.url);
        const options = /** @type {const} */ ({ type: "module", name });
        const worker = unlessRefused(() => new SharedWorker(address, options));
        if (!worker) return this.#queueForLead();
        worker.onerror = () => this.#replaceWorker();
        worker.port.start();
        worker.port.postMessage({ tab: this.#id, join: this.#settings });
        this.#worker = worker;
    }

    /** Take turns with the other tabs, because the worker does not load or does not answer. */
    #replaceWorker() {
        if (!this.#worker) return;
        this.#worker = null;
        this.#queueForLead();
    }

    /** Lead once nobody else does; until then, ask the leader for the whole state. */
    #queueForLead() {
        this.#runElection({});
        this.sendMessage({ join: this.#settings });
    }

    /** @param {{steal?: boolean}} options */
    async #runElection(options) {
        const election = this.#createElection();
        const hasLocks = await election.run(options);
        if (this.#election !== election) return;
        if (!hasLocks || this.#isReplacedAgain()) return this.#leadAlone();
        await new Promise((resolve) => setTimeout(resolve, REPLACED_PAUSE_MILLISECONDS));
        if (this.#election === election) this.#queueForLead();
    }

    /**
     * Note that another tab replaced this one; true if that happened again and again: then no
     * message gets through between them.
     */
    #isReplacedAgain() {
        const previous = this.#replacedAt;
        this.#replacedAt = performance.now();
        return this.#replacedAt - previous < REPLACED_AGAIN_MILLISECONDS;
    }

    /** Hold a connection of its own: the browser refuses what sharing needs. */
    #leadAlone() {
        clearInterval(this.#timer);
        this.#channel?.close();
        this.#channel = null;
        this.#createElection().lead();
    }

    #createElection() {
        this.#election?.resign();
        this.#election = new LeaderElection(
            this.#settings,
            (request) => this.#tokens.currentToken(request),
            (message) => this.#broadcastAsLeader(message),
        );
        return this.#election;
    }

    /** @param {GroupMessage} message */
    #post(message) {
        const post = () => this.#channel?.postMessage(message);
        if (unlessRefused(post) === null) this.#leadAlone();
    }

    /** @param {LeaderMessage} message */
    #broadcastAsLeader(message) {
        this.#hasStatus = true;
        this.#noteLeader();
        this.#post(message);
        this.#onMessage(message); // a channel does not deliver to the tab that posts
    }

    /** @param {GroupMessage} message */
    #handleMessage(message) {
        if (message.tab) this.#election?.handleRequest(message);
        else this.#noteLeader();
        if (message.status) this.#hasStatus = true;
        if (message.ask?.tab === this.#id) this.#answerTokenRequest(message.ask);
        this.#onMessage(message);
    }

    #noteLeader() {
        [this.#heardAt, this.#isReplacing] = [performance.now(), false];
    }

    /** @param {{number: number, refresh: boolean}} ask */
    async #answerTokenRequest({ number, refresh }) {
        const answer = await this.#tokens
            .currentToken({ refresh })
            .then((token) => ({ token }), tokenFailure);
        this.sendMessage({ token: { number, ...answer } });
    }

    /** Replace a leader that shows no sign of life. */
    #checkLeader() {
        // Browsers slow down the timers of hidden pages, so that silence proves nothing there.
        if (document.hidden) this.#heardAt = performance.now();
        if (!this.#hasStatus) this.sendMessage({ join: this.#settings });
        if (performance.now() - this.#heardAt < LEADER_TIMEOUT_MILLISECONDS) return;
        this.#heardAt = performance.now();
        if (this.#worker) return this.#replaceWorker();
        if (this.#isReplacing) return this.#leadAlone(); // its lock was never given
        this.#isReplacing = true;
        this.#runElection({ steal: true });
    }
}

/** @param {any} error @returns {TokenAnswer} */
function tokenFailure(error) {
    const kind = error?.name === "Unauthorised" ? "refused" : "failed";
    return { token: null, [kind]: String(error?.message ?? error) };
}

/**
 * Return the mode to begin with; where the browser lacks or refuses something, another one follows.
 * @param {Sharing} sharing
 * @returns {Sharing}
 */
function firstMode(sharing) {
    if (sharing === "off" || sharing === "locks") return sharing;
    // A worker's script must come from the page's own origin.
    const isSameOrigin = new URL(import.meta.url).origin === globalThis.location?.origin;
    return isSameOrigin ? "worker" : "locks";
}

/**
 * @template T
 * @param {() => T} work
 * @returns {T | null} null if the browser refuses it
 */
function unlessRefused(work) {
    try {
        return work();
    } catch {
        return null;
    }
}
