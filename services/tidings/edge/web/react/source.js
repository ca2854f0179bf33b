// Source: one person's client as React reads it: made when the first component shows it, closed when the last one is gone.

import { connect } from "../client.js";
import { claims } from "../token.js";

/** @import {Options, Tidings} from "../client.js" */
/** @import {Counts, Notification, Operation, State} from "../protocol.js" */

/**
 * How to connect: as the client is told, or by a `token` that the page has anyway; an empty one means that nobody is signed in.
 * @typedef {Options & {token?: string | null}} SourceOptions
 */

/**
 * How everything stands; what has not changed stays the same object. `returning`: it was live before, and wants to be again.
 * @typedef {object} Standing
 * @property {Tidings | null} client
 * @property {State} state
 * @property {number | null} retryAt
 * @property {string | null} user
 * @property {Counts} counts
 * @property {readonly Notification[]} notifications
 * @property {boolean} complete
 * @property {readonly Operation[]} pending
 * @property {boolean} returning
 */

/**
 * Told of each of the client's events.
 * @typedef {(event?: string, detail?: any) => void} Reader
 */

const EVENTS = ["state", "change", "notification", "caughtup", "reset", "refused", "error"];

/** Before there is a client, and on a server. @type {Standing} */
export const NOTHING = Object.freeze({
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

/** Those that pages use without a provider, by whose they are. @type {Map<string, Source>} */
const shared = new Map();

export class Source {
    /** @type {Tidings | null} */ client = null;
    #key;
    #options;
    #given;
    /** @type {Standing} */ #standing = NOTHING;
    /** @type {Set<Reader>} */ #readers = new Set();
    /** @type {ReturnType<typeof setTimeout> | undefined} */ #ending;
    #leaving = new AbortController();

    /**
     * @param {SourceOptions} options
     * @param {{client?: Tidings, key?: string}} [more] `client`: one that the page has already, and closes itself
     */
    constructor(options, { client, key } = {}) {
        this.#options = options;
        this.#given = client;
        this.#key = key;
    }

    /**
     * The one of whoever the options are about, for components without a provider. A server keeps none.
     * @param {SourceOptions} options
     */
    static of(options) {
        const key = keyOf(options);
        const source = shared.get(key) ?? new Source(options, { key });
        if (typeof window !== "undefined") shared.set(key, source);
        return source;
    }

    /** Read on, until the returned function is called. @param {Reader} reader */
    subscribe = (reader) => {
        clearTimeout(this.#ending);
        this.#readers.add(reader);
        if (!this.client) this.#begin();
        return () => {
            this.#readers.delete(reader);
            if (!this.#readers.size) this.#ending = setTimeout(() => this.#end()); // not at once: another page may be about to begin
        };
    };

    standing = () => this.#standing;

    /** The client; raises Error before a component has shown it, and after the last one is gone. */
    get present() {
        if (!this.client) throw new Error("Tidings is connected only while a component that uses it is mounted");
        return this.client;
    }

    /** What does not differ from one render to the next. */
    methods = Object.freeze({
        connect: () => void this.client?.connect(),
        disconnect: () => this.client?.disconnect(),
        signOut: async () => this.client?.signOut(),
        /** @type {Tidings["mark"]} */ mark: (...given) => this.present.mark(...given),
        /** @type {Tidings["markAll"]} */ markAll: (...given) => this.present.markAll(...given),
        /** @type {Tidings["undo"]} */ undo: (...given) => this.present.undo(...given),
        /** @type {Tidings["press"]} */ press: async (...given) => this.present.press(...given),
        /** @type {Tidings["more"]} */ more: async (...given) => this.present.more(...given),
        /** @type {Tidings["list"]} */ list: async (...given) => this.present.list(...given),
    });

    /** Take what a component says on top of what others said: a token may have come. @param {SourceOptions} options */
    offer(options) {
        const { token } = this.#options;
        this.#options = { ...this.#options, ...options };
        if (token !== this.#options.token && this.client?.state === "signed out") this.client.connect();
    }

    #begin() {
        this.#leaving = new AbortController();
        if (this.#key !== undefined) shared.set(this.#key, this);
        const client = (this.client = this.#given ?? connect(this.#terms()));
        for (const name of EVENTS) {
            const heard = (/** @type {any} */ event) => this.#hear(name, event.detail);
            client.addEventListener(name, heard, { signal: this.#leaving.signal });
        }
        this.#hear("change", {});
    }

    #end() {
        this.#leaving.abort();
        if (!this.#given) this.client?.close();
        this.client = null;
        this.#standing = NOTHING;
        if (shared.get(this.#key ?? "") === this) shared.delete(this.#key ?? "");
    }

    /** The callbacks are the components' own, and the token is always the newest. */
    #terms() {
        const { token, onNotification, onStatsUpdate, onConnect, onDisconnect, onError, ...terms } = this.#options;
        if (terms.getToken) terms.getToken = (wanted) => this.#options.getToken?.(wanted) ?? null;
        else if ("token" in this.#options) terms.getToken = () => this.#options.token || null;
        return terms;
    }

    /** @param {string} event @param {any} detail */
    #hear(event, detail) {
        if (this.client) this.#standing = seen(this.client, this.#standing);
        for (const reader of [...this.#readers]) reader(event, detail);
    }
}

/** @param {SourceOptions} options */
export function keyOf({ url, account, token }) {
    const { tenant, sub } = claims(token ?? "");
    return `${url ?? ""} ${account ?? (sub ? `${tenant}/${sub}` : "")}`;
}

/**
 * How the client stands, in the same objects as before where they say the same.
 * @param {Tidings} client
 * @param {Standing} before
 * @returns {Standing}
 */
function seen(client, before) {
    const { state, retryAt, user, counts, notifications, complete, pending } = client;
    const now = {
        ...{ client, state, retryAt, user, complete },
        counts: same(Object.values(counts), Object.values(before.counts)) ? before.counts : counts,
        notifications: same(notifications, before.notifications) ? before.notifications : notifications,
        pending: same(pending, before.pending) ? before.pending : pending,
        returning: state === "live" || (before.returning && !idle({ state, retryAt })),
    };
    return same(Object.values(now), Object.values({ ...now, ...before })) ? before : Object.freeze(now);
}

/**
 * Whether it is away and does not try to come back.
 * @param {{state: State, retryAt: number | null}} standing
 */
export function idle({ state, retryAt }) {
    return state === "signed out" || (state === "offline" && retryAt === null);
}

/**
 * @param {readonly unknown[]} some
 * @param {readonly unknown[]} others
 */
function same(some, others) {
    return some.length === others.length && some.every((each, index) => each === others[index]);
}
