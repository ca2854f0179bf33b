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
        this.#mode = supportedMode(sharing);
    }

    joinGroup() {
        if (this.#mode === "off") return this.#runElection({ alone: true });
        this.#channel = new BroadcastChannel(groupName(this.#settings));
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
        this.#channel?.postMessage(message);
        this.#election?.handleRequest(message);
    }

    /** Have a worker lead. */
    #startWorker() {
        const name = groupName(this.#settings);
        const address = new URL("../worker.js", import.meta.url);
        const worker = new SharedWorker(address, { type: "module", name });
        worker.onerror = () => this.#replaceWorker();
        worker.port.start();
        worker.port.postMessage({ tab: this.#id, join: this.#settings });
        this.#worker = worker;
    }

    /** Take turns with the other tabs, because the worker does not load or does not answer. */
    #replaceWorker() {
        if (!this.#worker) return;
        this.#worker = null;
        this.#mode = "locks";
        this.#queueForLead();
    }

    /** Lead once nobody else does; until then, ask the leader for the whole state. */
    #queueForLead() {
        this.#runElection({});
        this.sendMessage({ join: this.#settings });
    }

    /** @param {{steal?: boolean, alone?: boolean}} options */
    async #runElection(options) {
        this.#election?.resign();
        const election = new LeaderElection(
            this.#settings,
            (request) => this.#tokens.currentToken(request),
            (message) => this.#broadcastAsLeader(message),
        );
        this.#election = election;
        await election.run(options);
        const wasReplaced = this.#election === election && this.#channel;
        if (wasReplaced) this.#queueForLead();
    }

    /** @param {LeaderMessage} message */
    #broadcastAsLeader(message) {
        [this.#heardAt, this.#hasStatus] = [performance.now(), true];
        this.#channel?.postMessage(message);
        this.#onMessage(message); // a channel does not deliver to the tab that posts
    }

    /** @param {GroupMessage} message */
    #handleMessage(message) {
        if (message.tab) this.#election?.handleRequest(message);
        else this.#heardAt = performance.now();
        if (message.status) this.#hasStatus = true;
        if (message.ask?.tab === this.#id) this.#answerTokenRequest(message.ask);
        this.#onMessage(message);
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
        if (this.#worker) this.#replaceWorker();
        else this.#runElection({ steal: true });
    }
}

/** @param {any} error @returns {TokenAnswer} */
function tokenFailure(error) {
    const kind = error?.name === "Unauthorised" ? "refused" : "failed";
    return { token: null, [kind]: String(error?.message ?? error) };
}

/**
 * Return what the browser can do of what is asked for.
 * @param {Sharing} sharing
 * @returns {Sharing}
 */
function supportedMode(sharing) {
    if (typeof BroadcastChannel === "undefined" || sharing === "off") return "off";
    if (canUseWorker() && sharing !== "locks") return "worker";
    return navigator.locks && sharing !== "worker" ? "locks" : "off";
}

/** A worker's script must come from the page's own origin. */
function canUseWorker() {
    const isSameOrigin = new URL(import.meta.url).origin === globalThis.location?.origin;
    return typeof SharedWorker !== "undefined" && isSameOrigin;
}
