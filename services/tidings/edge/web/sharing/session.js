// Session: from connecting to disconnecting, a client's store and its place among the tabs.

import { encodeName, personAccount } from "../client/names.js";
import { leaderSettings } from "../client/options.js";
import { Store } from "../client/store.js";
import { parseClaims } from "../client/tokens.js";
import { uuid } from "../client/uuid.js";
import { TabSharing } from "./tab-sharing.js";

/** @import {withDefaults} from "../client/options.js" */
/** @import {Operation} from "../client/protocol.js" */
/** @import {Replica} from "../client/replica.js" */
/** @import {SavedLog} from "../client/store.js" */
/** @import {Tokens} from "../client/tokens.js" */
/** @import {GroupMessage, TabRequest} from "./tab-sharing.js" */

/**
 * @typedef {object} SessionHandlers
 * @property {(message: GroupMessage) => void} onMessage what the leader and other tabs say
 * @property {(saved: SavedLog | null) => void} onRestore
 * @property {(state: "signed out" | "offline", reason: string) => void} onTokenError
 */

export class Session {
    #options;
    #tokens;
    #replica;
    #handlers;
    /** Whether the page wants to be connected. */ isActive = false;
    /** @type {TabSharing | null} */ #sharing = null;
    /** @type {Store | null} */ #store = null;
    /** Removes the page's listeners. */ #stopped = new AbortController();

    /**
     * @param {ReturnType<typeof withDefaults>} options
     * @param {Tokens} tokens
     * @param {Replica} replica
     * @param {SessionHandlers} handlers
     */
    constructor(options, tokens, replica, handlers) {
        this.#options = options;
        this.#tokens = tokens;
        this.#replica = replica;
        this.#handlers = handlers;
    }

    /** Read what was kept, and join the other tabs. */
    async start() {
        this.isActive = true;
        this.#stopped = new AbortController();
        this.#listenToPage();
        await this.#enter();
    }

    /** Leave the other tabs; what was kept stays open for the next start. */
    stop() {
        this.isActive = false;
        this.#stopped.abort();
        this.#leaveGroup();
    }

    closeStore() {
        this.#store?.close();
    }

    /** Delete what was kept. */
    async deleteStore() {
        await this.#store?.deleteAll();
    }

    /** Send something to the leader and to the other tabs. @param {TabRequest} message */
    send(message) {
        this.#sharing?.sendMessage(message);
    }

    /** Ask the leader for the whole state. */
    requestLog() {
        this.send({ join: leaderSettings(this.#options) });
    }

    /** Send all pending marks: a new leader may not know of those made in this tab. */
    sendPending() {
        for (const operation of this.#replica.pending) this.send({ operate: operation });
    }

    /** Keep a mark, and have it sent. @param {Operation} operation */
    addOperation(operation) {
        this.#store?.putOperation(operation);
        this.send({ operate: operation });
    }

    /** Drop a mark that was not sent yet. @param {string} op */
    withdrawOperation(op) {
        this.#store?.deleteOperation(op);
        this.send({ withdraw: op });
    }

    async #enter() {
        if (await this.#restore()) this.#joinGroup();
    }

    /** Read what was kept. @returns {Promise<boolean>} false if nobody connects any longer */
    async #restore() {
        if (this.#store) return this.#reloadPending(this.#store);
        const { account: name } = this.#options;
        const account = name ? encodeName(name) : await this.#readAccount();
        if (account === undefined || !this.isActive) return false;
        this.#options.account = account;
        this.#store = new Store(this.#options);
        const { saved, notifications, operations } = await this.#store.readLog();
        this.#options.device ??= saved?.device ?? uuid();
        this.#handlers.onRestore(saved);
        // Marks made before the store was open.
        for (const operation of this.#replica.pending) this.#store.putOperation(operation);
        this.#replica.restore(saved, notifications, operations);
        return this.isActive;
    }

    /**
     * Read which marks are still pending: another tab may have sent some while this one was away.
     * @param {Store} store
     */
    async #reloadPending(store) {
        const { saved, operations } = await store.readLog();
        if (saved) this.#replica.replacePending(operations);
        return this.isActive;
    }

    /**
     * Return whose state it is by the token; the page is asked again after a failure.
     * @returns {Promise<string | undefined>} empty: there is a cookie, but no token; undefined:
     *     nobody is signed in, or the session was stopped
     */
    async #readAccount() {
        const { minimumDelay, maximumDelay } = this.#options;
        for (let pause = minimumDelay; this.isActive; pause = Math.min(2 * pause, maximumDelay)) {
            try {
                const token = await this.#tokens.currentToken();
                return personAccount(parseClaims(token ?? ""));
            } catch (error) {
                this.#reportTokenError(error);
                if (!this.isActive) return undefined;
                await new Promise((resolve) => setTimeout(resolve, pause * Math.random()));
            }
        }
    }

    /** @param {unknown} error */
    #reportTokenError(error) {
        // By its name: the page may have the class from another copy of the module.
        const isSignedOut = error instanceof Error && error.name === "Unauthorised";
        this.#handlers.onTokenError(isSignedOut ? "signed out" : "offline", String(error));
        if (isSignedOut) this.isActive = false;
    }

    #joinGroup() {
        if (this.#sharing) return; // it was started again meanwhile
        // Without an account, tabs of different people would share one connection.
        const share = this.#options.account ? this.#options.share : "off";
        const settings = leaderSettings(this.#options);
        const { onMessage } = this.#handlers;
        this.#sharing = new TabSharing(settings, share, this.#tokens, onMessage);
        this.#sharing.joinGroup();
        this.sendPending();
    }

    #leaveGroup() {
        this.#sharing?.leaveGroup();
        this.#sharing = null;
    }

    /** Reconnect when the network, the page or the person comes back. */
    #listenToPage() {
        const { signal } = this.#stopped;
        const wake = () => {
            if (!document.hidden) this.send({ wake: true });
        };
        globalThis.addEventListener?.("online", wake, { signal });
        globalThis.document?.addEventListener("visibilitychange", wake, { signal });
        // A page that holds a connection cannot enter the back/forward cache.
        globalThis.addEventListener?.("pagehide", () => this.#leaveGroup(), { signal });
        const enterAgain = (/** @type {PageTransitionEvent} */ { persisted }) => {
            if (persisted) this.#enter();
        };
        globalThis.addEventListener?.("pageshow", enterAgain, { signal });
    }
}
