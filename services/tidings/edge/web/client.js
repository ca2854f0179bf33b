// Client: one person's notifications in a browser: complete, in order, the same in all tabs, and there without a network too.

import { behind } from "./fold.js";
import { post } from "./leader.js";
import { Unauthorised } from "./link.js";
import { contrary } from "./marks.js";
import { entire, terms } from "./options.js";
import { Replica } from "./replica.js";
import { Store } from "./store.js";
import { Tabs } from "./tabs.js";
import { claims, Tokens } from "./token.js";
import { unique } from "./unique.js";

/** @import {Counts, Cursor, Filter, MarkState, Notification, Operation, State, Status} from "./protocol.js" */
/** @typedef {import("./options.js").Options} Options */

export { Unauthorised };

/**
 * Connect, and stay connected.
 * @param {Options} [options]
 */
export function connect(options) {
    const client = new Tidings(options);
    client.connect();
    return client;
}

/**
 * Events, each with its `detail`: `state`, `change`, `notification`, `caughtup`, `reset`, `refused`, `error`.
 */
export class Tidings extends EventTarget {
    /** The last one made, which elements take that have none of their own. @type {Tidings | null} */
    static current = null;

    #options;
    #tokens;
    #replica = new Replica({ now: () => this.now, state: () => this.state, tell: (name, detail) => this.#tell(name, detail) });
    /** @type {Status} */ #status = { state: "offline", retryAt: null, reason: null, user: null, skew: 0 };
    /** @type {Tabs | null} */ #tabs = null;
    /** @type {Store | null} */ #store = null;
    #wanted = false;
    #counted = "";
    #leaving = new AbortController();

    /** @param {Options} [options] */
    constructor(options = {}) {
        super();
        this.#options = entire(options);
        this.#tokens = new Tokens(options.getToken);
        Tidings.current = this;
        globalThis.document?.dispatchEvent(new CustomEvent("tidings-current"));
    }

    /** @type {State} */
    get state() {
        return this.#status.state;
    }

    /** When the next attempt to connect is made, in milliseconds since 1970; null if none is. */
    get retryAt() {
        return this.#status.retryAt;
    }

    get user() {
        return this.#status.user;
    }

    get cursor() {
        return this.#replica.cursor;
    }

    /** How many there are, marks that are on their way taken into account. */
    get counts() {
        return this.#replica.counts;
    }

    /** What is shown, newest first. */
    get notifications() {
        return this.#replica.notifications;
    }

    /** Whether there are no older ones than these. */
    get complete() {
        return this.#replica.complete;
    }

    /** One of those that are here, whether it is shown or not: archived, snoozed, expired. @param {string} id */
    find(id) {
        return this.#replica.find(id);
    }

    /** Marks that are on their way. */
    get pending() {
        return [...this.#replica.waiting];
    }

    /** The time in milliseconds since 1970 as the server has it, whatever the clock here says. */
    get now() {
        return Date.now() + this.#status.skew;
    }

    /** Connect, and stay connected, until told otherwise. */
    async connect() {
        if (this.#wanted) return this.#tabs?.say({ wake: true });
        this.#wanted = true;
        this.#leaving = new AbortController();
        this.#listen();
        await this.#enter();
    }

    /** Be offline, until told otherwise. */
    disconnect() {
        this.#wanted = false;
        this.#leave();
    }

    /** Be done with it. */
    close() {
        this.disconnect();
        this.#store?.close();
        if (Tidings.current === this) Tidings.current = null;
    }

    /** Be done with it, and forget what was kept. */
    async signOut() {
        this.#tabs?.say({ bye: true });
        this.#forget();
        await this.#store?.wipe();
        this.close();
    }

    /**
     * Mark notifications; it shows at once, and is sent when there is a connection. Raises Error if that is not to be had.
     * @param {MarkState} state
     * @param {string[] | {ids?: string[], up_to?: Cursor, filter?: Filter}} which
     * @param {{until?: string}} [more] `until`: when what is `snoozed` comes back
     * @returns {string} its name, for undoing it
     */
    mark(state, which, { until } = {}) {
        const due = state === "deleted" ? Date.now() + this.#options.undo : 0;
        const operation = this.#replica.mark(state, Array.isArray(which) ? { ids: which } : which, { due, until });
        this.#store?.put(operation);
        this.#tabs?.say({ operate: operation });
        return operation.op;
    }

    /**
     * Mark all there are, but not what arrives in this moment.
     * @param {MarkState} [state]
     */
    markAll(state = "read") {
        const newest = this.notifications[0]?.cursor;
        return newest ? this.mark(state, { up_to: newest }) : null;
    }

    /**
     * Take a mark back; false if it is too late for that.
     * @param {string} op
     */
    undo(op) {
        const made = this.#replica.recall(op);
        if (made?.state === "deleted") return this.#withdraw(made);
        const back = made && contrary(made);
        if (back) this.mark(back.state, back.ids);
        return Boolean(back);
    }

    /**
     * Press a button of a notification. Raises an Error; its `reason` is the other one that was pressed before.
     * @param {string} id
     * @param {string} action
     */
    async press(id, action) {
        const address = new URL(`/v1/notifications/${encodeURIComponent(id)}/actions/${encodeURIComponent(action)}`, this.#options.url);
        return this.#ask(address, {}).catch((error) => Promise.reject(Object.assign(error, { reason: error.body?.reason })));
    }

    /**
     * Load older ones: how many came.
     * @param {number} [count] 100 at most
     */
    async more(count = 50) {
        const { before } = this.#replica;
        return before === null ? 0 : this.#replica.older(await this.list({ limit: count, before }));
    }

    /**
     * A page of any list of `GET /v1/notifications`.
     * @param {Record<string, string | number | string[] | undefined>} query `state`, `category`, `q`, `limit`, `before`, …
     * @returns {Promise<{notifications: Notification[], counts: Counts, cursor: Cursor, next: Cursor | null}>}
     */
    async list(query = {}) {
        const address = new URL("/v1/notifications", this.#options.url);
        for (const [name, value] of Object.entries(query)) {
            for (const each of [value].flat()) if (each !== undefined) address.searchParams.append(name, String(each));
        }
        return this.#ask(address, null);
    }

    /**
     * How many there are of each kind, as of `GET /v1/counts`.
     * @param {"category" | "type" | "priority" | "entity" | "group" | "list"} kind
     * @returns {Promise<Record<string, Counts>>}
     */
    async countsBy(kind) {
        const { by } = await this.#ask(new URL(`/v1/counts?by=${kind}`, this.#options.url), null);
        return by[kind];
    }

    /** @param {URL} address @param {object | null} body */
    #ask(address, body) {
        return post(address, body, (wanted) => this.#tokens.token(wanted));
    }

    async #enter() {
        if (await this.#recall()) this.#join();
    }

    /** Take up what was kept; false if it is no longer wanted by then, or nobody is signed in. */
    async #recall() {
        if (this.#store) return this.#review(this.#store);
        const account = this.#options.account ?? (await this.#account());
        if (account === undefined || !this.#wanted) return false;
        this.#options.account = account ?? undefined;
        this.#store = new Store(this.#options);
        const { saved, notifications, operations } = await this.#store.read();
        this.#options.device ??= saved?.device ?? unique();
        this.#status.user ??= saved?.user ?? null;
        for (const each of this.#replica.waiting) this.#store.put(each);
        this.#replica.restore(saved, notifications, operations);
        return this.#wanted;
    }

    /** Which marks are still waiting: while this tab was away, another one may have sent some. @param {Store} store */
    async #review(store) {
        const { saved, operations } = await store.read();
        if (saved) this.#replica.queue(operations);
        return this.#wanted;
    }

    /** Whose state it is, as the token says; null if there is none but a cookie, undefined if nobody is signed in. */
    async #account() {
        for (let pause = this.#options.minimumDelay; this.#wanted; pause = Math.min(2 * pause, this.#options.maximumDelay)) {
            try {
                const token = await this.#tokens.token();
                const { tenant, sub } = claims(token ?? "");
                return sub ? `${tenant}/${sub}` : null;
            } catch (error) {
                const signedOut = error instanceof Error && error.name === "Unauthorised";
                this.#stand({ ...this.#status, state: signedOut ? "signed out" : "offline", reason: String(error) });
                if (signedOut) return void (this.#wanted = false);
                await new Promise((resolve) => setTimeout(resolve, pause * Math.random()));
            }
        }
    }

    #join() {
        if (this.#tabs) return; // it was asked for more than once
        const share = this.#options.account === undefined ? "off" : this.#options.share;
        this.#tabs = new Tabs(terms(this.#options), share, this.#tokens, (said) => this.#hear(said));
        this.#tabs.join();
        this.#remind();
    }

    /** Whoever leads may not know of the marks that wait here. */
    #remind() {
        for (const each of this.#replica.waiting) this.#tabs?.say({ operate: each });
    }

    #part() {
        this.#tabs?.leave();
        this.#tabs = null;
    }

    #leave() {
        this.#leaving.abort();
        this.#part();
        this.#stand({ ...this.#status, state: "offline", retryAt: null, reason: null });
    }

    /** The network, the page and the person come back. */
    #listen() {
        const signal = this.#leaving.signal;
        const wake = () => document.hidden || this.#tabs?.say({ wake: true });
        globalThis.addEventListener?.("online", wake, { signal });
        globalThis.document?.addEventListener("visibilitychange", wake, { signal });
        globalThis.addEventListener?.("pagehide", () => this.#part(), { signal });
        globalThis.addEventListener?.("pageshow", ({ persisted }) => persisted && this.#enter(), { signal });
    }

    /** What whoever leads says, and what the other tabs do. @param {any} said */
    #hear({ frame, standing, status, confirmed, refused, error, led, operate, withdraw, bye }) {
        if (frame) this.#take(frame);
        if (standing) this.#replica.adopt(standing);
        if (status) this.#stand(status);
        if (confirmed) this.#replica.confirm(confirmed);
        if (refused) this.#refuse(refused);
        if (error) this.#tell("error", error);
        if (led) this.#remind();
        if (operate) this.#replica.add(operate);
        if (withdraw) this.#replica.drop(withdraw);
        if (bye) this.#forget();
    }

    /** If whoever leads is further on, this tab slept, and they say how everything stands. @param {any} frame */
    #take(frame) {
        const follows = this.#replica.take(frame);
        if (!follows && !behind(frame.cursor, this.cursor)) this.#tabs?.say({ join: terms(this.#options) });
    }

    /** @param {Status} status */
    #stand(status) {
        const { state: previous, user } = this.#status;
        if (user && status.user && user !== status.user) this.#replica.clear();
        this.#status = { ...status };
        const { state, retryAt, reason } = status;
        this.#replica.changed();
        if (state === previous) return;
        if (state === "catching up") this.#replica.begin();
        this.#tell("state", { state, previous, retryAt, reason });
        if (state === "live") this.#replica.end();
    }

    /** @param {{op: string, error: string}} refused */
    #refuse({ op, error }) {
        const dropped = this.#replica.drop(op);
        this.#tell("refused", { op, state: dropped?.state, error });
    }

    /** @param {Operation} operation */
    #withdraw({ op, due }) {
        if (Date.now() >= due) return false;
        this.#replica.drop(op);
        this.#store?.drop(op);
        this.#tabs?.say({ withdraw: op });
        return true;
    }

    #forget() {
        this.disconnect();
        this.#replica.clear();
    }

    /** Tell the page, by an event and by the callback that there is for it. @param {string} name @param {any} detail */
    #tell(name, detail) {
        this.dispatchEvent(new CustomEvent(name, { detail }));
        const { onNotification, onConnect, onDisconnect, onError } = this.#options;
        if (name === "notification") call(onNotification, detail.notification);
        if (name === "caughtup") call(onConnect);
        if (name === "state" && detail.previous === "live") call(onDisconnect);
        if (name === "error") call(onError, detail);
        if (name === "change") this.#count();
    }

    /** Tell whoever asked for it of other counts than before. */
    #count() {
        const { counts } = this;
        const told = JSON.stringify(counts);
        if (told !== this.#counted) call(this.#options.onStatsUpdate, counts);
        this.#counted = told;
    }
}

/**
 * Call what the page has given us; if it fails, the page is told as of any failure of its own, and we go on.
 * @template {unknown[]} T
 * @param {((...values: T) => void) | undefined} callback
 * @param {T} values
 */
function call(callback, ...values) {
    try {
        callback?.(...values);
    } catch (error) {
        globalThis.reportError?.(error);
    }
}
