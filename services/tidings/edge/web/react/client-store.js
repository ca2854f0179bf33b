// Client store: one person's client as React reads it, made for the first component that shows it
// and closed after the last one is gone.

import { encodeName, personAccount, storageName } from "../client/names.js";
import { parseClaims } from "../client/tokens.js";
import { connect } from "../client.js";

/** @import {Options, Tidings} from "../client.js" */
/** @import {ConnectionState, Counts, Notification, Operation} from "../client/protocol.js" */

/**
 * How to connect: as the client's options say, or with a `token` that the page has already; an
 * empty one means that nobody is signed in.
 * @typedef {Options & {token?: string | null}} StoreOptions
 */

/**
 * The client's state. What has not changed is the same object as before, so that React renders
 * nothing again. `returning`: it was live before, and tries to be again.
 * @typedef {object} ClientSnapshot
 * @property {Tidings | null} client
 * @property {ConnectionState} state
 * @property {number | null} retryAt
 * @property {string | null} user
 * @property {Counts} counts
 * @property {readonly Notification[]} notifications
 * @property {boolean} complete
 * @property {readonly Operation[]} pending
 * @property {boolean} returning
 */

/**
 * Called with each of the client's events.
 * @typedef {(event?: string, detail?: any) => void} Subscriber
 */

const EVENTS = ["state", "change", "notification", "caughtup", "reset", "refused", "error"];

/** The state before there is a client, and on a server. @type {ClientSnapshot} */
export const EMPTY_SNAPSHOT = Object.freeze({
    client: null,
    state: "offline",
    retryAt: null,
    user: null,
    counts: Object.freeze({ unread: 0, unseen: 0, total: 0 }),
    notifications: Object.freeze([]),
    complete: false,
    pending: Object.freeze([]),
    returning: false,
});

/** Those of components without a provider, by whose they are. @type {Map<string, ClientStore>} */
const sharedStores = new Map();

export class ClientStore {
    /** @type {Tidings | null} */ client = null;
    #key;
    #options;
    #givenClient;
    /** @type {ClientSnapshot} */ #snapshot = EMPTY_SNAPSHOT;
    /** @type {Set<Subscriber>} */ #subscribers = new Set();
    /** @type {ReturnType<typeof setTimeout> | undefined} */ #closeTimer;
    #closed = new AbortController();

    /**
     * @param {StoreOptions} options
     * @param {{client?: Tidings, key?: string}} [more] `client`: the page's own, which it closes
     */
    constructor(options, { client, key } = {}) {
        this.#options = options;
        this.#givenClient = client;
        this.#key = key;
    }

    /**
     * Return the store that all components without a provider share for a person. On a server none
     * is kept: requests of different people would meet in it.
     * @param {StoreOptions} options
     */
    static shared(options) {
        const key = storeKey(options);
        const store = sharedStores.get(key) ?? new ClientStore(options, { key });
        if (typeof window !== "undefined") sharedStores.set(key, store);
        return store;
    }

    /** Subscribe until the returned function is called. @param {Subscriber} subscriber */
    subscribe = (subscriber) => {
        clearTimeout(this.#closeTimer);
        this.#subscribers.add(subscriber);
        if (!this.client) this.#openClient();
        return () => {
            this.#subscribers.delete(subscriber);
            // Not at once: the next page's components may subscribe in this turn of the event loop,
            // and strict mode mounts everything twice.
            if (!this.#subscribers.size) this.#closeTimer = setTimeout(() => this.#closeClient());
        };
    };

    getSnapshot = () => this.#snapshot;

    /** The client; raises Error while no component that uses it is mounted. */
    get presentClient() {
        if (!this.client)
            throw new Error("Tidings is connected only while a component that uses it is mounted");
        return this.client;
    }

    /** The client's methods, the same functions in each render. */
    methods = Object.freeze({
        connect: () => void this.client?.connect(),
        disconnect: () => this.client?.disconnect(),
        signOut: async () => this.client?.signOut(),
        /** @type {Tidings["mark"]} */ mark: (...values) => this.presentClient.mark(...values),
        /** @type {Tidings["markAll"]} */
        markAll: (...values) => this.presentClient.markAll(...values),
        /** @type {Tidings["undo"]} */ undo: (...values) => this.presentClient.undo(...values),
        /** @type {Tidings["press"]} */
        press: async (...values) => this.presentClient.press(...values),
        /** @type {Tidings["more"]} */ more: async (...values) =>
            this.presentClient.more(...values),
        /** @type {Tidings["list"]} */ list: async (...values) =>
            this.presentClient.list(...values),
    });

    /** Merge a component's options; connect if a token has come. @param {StoreOptions} options */
    updateOptions(options) {
        const { token } = this.#options;
        this.#options = { ...this.#options, ...options };
        if (token !== this.#options.token && this.client?.state === "signed out")
            this.client.connect();
    }

    #openClient() {
        this.#closed = new AbortController();
        if (this.#key !== undefined) sharedStores.set(this.#key, this);
        const client = this.#givenClient ?? connect(this.#clientOptions());
        this.client = client;
        for (const name of EVENTS) {
            const handle = (/** @type {any} */ event) => this.#handleEvent(name, event.detail);
            client.addEventListener(name, handle, { signal: this.#closed.signal });
        }
        this.#handleEvent("change", {});
    }

    #closeClient() {
        this.#closed.abort();
        if (!this.#givenClient) this.client?.close();
        this.client = null;
        this.#snapshot = EMPTY_SNAPSHOT;
        if (sharedStores.get(this.#key ?? "") === this) sharedStores.delete(this.#key ?? "");
    }

    /** Return the client's options: callbacks belong to components, and the newest token counts. */
    #clientOptions() {
        const {
            token,
            onNotification,
            onStatsUpdate,
            onConnect,
            onDisconnect,
            onError,
            ...options
        } = this.#options;
        if (options.getToken)
            options.getToken = (request) => this.#options.getToken?.(request) ?? null;
        else if ("token" in this.#options) options.getToken = () => this.#options.token || null;
        return options;
    }

    /** @param {string} event @param {any} detail */
    #handleEvent(event, detail) {
        if (this.client) this.#snapshot = takeSnapshot(this.client, this.#snapshot);
        for (const subscriber of [...this.#subscribers]) subscriber(event, detail);
    }
}

/** Return whose state options are about. @param {StoreOptions} options */
export function storeKey({ url, account, token }) {
    const name = account ? encodeName(account) : personAccount(parseClaims(token ?? ""));
    return storageName(encodeURI(url ?? ""), name);
}

/**
 * Return the client's state, with the objects of before where they have the same content.
 * @param {Tidings} client
 * @param {ClientSnapshot} before
 * @returns {ClientSnapshot}
 */
function takeSnapshot(client, before) {
    const { state, retryAt, user, counts, notifications, complete, pending } = client;
    const hasSameCounts = isSame(Object.values(counts), Object.values(before.counts));
    const hasSameList = isSame(notifications, before.notifications);
    const now = {
        ...{ client, state, retryAt, user, complete },
        counts: hasSameCounts ? before.counts : counts,
        notifications: hasSameList ? before.notifications : notifications,
        pending: isSame(pending, before.pending) ? before.pending : pending,
        returning: state === "live" || (before.returning && !isIdle({ state, retryAt })),
    };
    const previous = Object.values({ ...now, ...before });
    return isSame(Object.values(now), previous) ? before : Object.freeze(now);
}

/**
 * Tell whether a client is offline and does not try to reconnect.
 * @param {{state: ConnectionState, retryAt: number | null}} snapshot
 */
export function isIdle({ state, retryAt }) {
    return state === "signed out" || (state === "offline" && retryAt === null);
}

/**
 * @param {readonly unknown[]} some
 * @param {readonly unknown[]} others
 */
function isSame(some, others) {
    return some.length === others.length && some.every((value, index) => value === others[index]);
}
