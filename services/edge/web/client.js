// Client: one person's notifications in a browser: complete, in order, the same in all tabs, and there without a network too.

import { behind, compare, Fold, standing, view } from "./fold.js";
import { post } from "./leader.js";
import { Unauthorised } from "./link.js";
import { contrary, Marks, touched } from "./marks.js";
import { Store } from "./store.js";
import { Tabs } from "./tabs.js";
import { claims, Tokens } from "./token.js";
import { unique } from "./unique.js";

/** @import {Counts, Cursor, Filter, Frame, MarkState, Notification, Operation, State, Status} from "./protocol.js" */
/** @import {Standing} from "./leader.js" */
/** @import {GetToken} from "./token.js" */
/** @import {Share} from "./tabs.js" */

export { Unauthorised };

/**
 * How to connect; README.md beside this file says more of each.
 * @typedef {object} Options
 * @property {string} [url] the edge; as a rule where this module came from
 * @property {GetToken} [getToken] null, or Unauthorised raised: nobody is signed in; without it, the cookie says who it is
 * @property {string} [account] whose state it is; as a rule `tenant/user` of the token, and nothing is kept or shared without either
 * @property {string} [device] its name in receipts
 * @property {Share} [share] how tabs share one connection
 * @property {string[]} [transports] `socket`, `stream`, `log`, in the order in which they are tried
 * @property {number} [keep] how many notifications are kept for the next visit
 * @property {number} [minimumDelay] milliseconds before coming back, as a limit of what is chosen at random
 * @property {number} [maximumDelay] up to which it doubles
 * @property {number} [undo] milliseconds in which a deletion can be taken back
 * @property {boolean} [autoReconnect]
 * @property {number} [reconnectInterval] another name of `minimumDelay`
 * @property {number} [maxReconnectAttempts]
 * @property {(notification: Notification) => void} [onNotification]
 * @property {(counts: Counts) => void} [onStatsUpdate]
 * @property {() => void} [onConnect]
 * @property {() => void} [onDisconnect]
 * @property {(error: {code: string, message: string, temporary: boolean}) => void} [onError]
 */

const HELD_LIMIT = 20_000;
const LOOK_LIMIT_MILLISECONDS = 3_600_000;

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
    #fold = new Fold();
    #marks = new Marks();
    /** @type {Status} */ #status = { state: "offline", retryAt: null, reason: null, user: null, skew: 0 };
    /** @type {Tabs | null} */ #tabs = null;
    /** @type {Store | null} */ #store = null;
    /** @type {{notifications: readonly Notification[], counts: Counts, complete: boolean} | null} */ #view = null;
    /** @type {Cursor | null | undefined} */ #next;
    #wanted = false;
    #counted = "";
    #changing = false;
    /** @type {ReturnType<typeof setTimeout> | undefined} */ #stirring;
    /** @type {{from: Cursor | null, replayed: number, began: number} | null} */ #missed = null;
    #leaving = new AbortController();

    /** @param {Options} [options] */
    constructor(options = {}) {
        super();
        const { reconnectInterval, autoReconnect = true, maxReconnectAttempts = Infinity, ...others } = options;
        this.#options = {
            url: new URL(import.meta.url).origin,
            share: /** @type {Share} */ ("auto"),
            transports: ["socket", "stream", "log"],
            keep: 500,
            minimumDelay: reconnectInterval ?? 500,
            maximumDelay: 20_000,
            undo: 5000,
            attempts: autoReconnect ? maxReconnectAttempts : 0,
            ...others,
        };
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
        return this.#fold.cursor;
    }

    /** How many there are, marks that are on their way taken into account. */
    get counts() {
        return this.#seen().counts;
    }

    /** What is shown, newest first. */
    get notifications() {
        return this.#seen().notifications;
    }

    /** Whether there are no older ones than these. */
    get complete() {
        return this.#next === null || this.#seen().complete;
    }

    /** One of those that are here, whether it is shown or not: archived, snoozed, expired. @param {string} id */
    find(id) {
        const found = this.#fold.notifications.get(id);
        return (found && standing(found, this.#marks.waiting)) ?? undefined;
    }

    /** Marks that are on their way. */
    get pending() {
        return [...this.#marks.waiting];
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
        const before = this.notifications;
        const due = state === "deleted" ? Date.now() + this.#options.undo : 0;
        const operation = this.#marks.make(state, Array.isArray(which) ? { ids: which } : which, { now: this.now, due, until });
        this.#view = null;
        operation.touched = touched(before, this.notifications);
        this.#store?.put(operation);
        this.#tabs?.say({ operate: operation });
        this.#changed();
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
        const made = this.#marks.recall(op);
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
        if (this.#next === null) return 0;
        const { notifications, next, cursor } = await this.list({ limit: count, before: this.#next ?? this.#fold.floor ?? undefined });
        const known = this.#fold.notifications.size;
        this.#fold.older(notifications, cursor);
        this.#next = next;
        this.#changed();
        return this.#fold.notifications.size - known;
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

    /** @param {URL} address @param {object | null} body */
    #ask(address, body) {
        return post(address, body, (wanted) => this.#tokens.token(wanted));
    }

    #seen() {
        if (!this.#view) {
            const seen = view(this.#fold, this.#marks.waiting, this.now);
            this.#view = { ...seen, notifications: Object.freeze(seen.notifications) };
        }
        return this.#view;
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
        if (saved && !this.#fold.cursor) this.#restore(saved, notifications);
        for (const each of this.#marks.waiting) this.#store.put(each);
        this.#marks.waiting = [...operations, ...this.#marks.waiting];
        this.#changed();
        return this.#wanted;
    }

    /** Which marks are still waiting: while this tab was away, another one may have sent some. @param {Store} store */
    async #review(store) {
        const { saved, operations } = await store.read();
        if (saved) this.#marks.waiting = operations;
        this.#changed();
        return this.#wanted;
    }

    /** @param {import("./store.js").Saved} saved @param {Notification[]} notifications */
    #restore({ cursor, counts, floor, user }, notifications) {
        this.#fold = Fold.of({ cursor, counts, floor, notifications });
        this.#status.user ??= user;
        this.#next = undefined;
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
        this.#tabs = new Tabs(this.#terms(), share, this.#tokens, (said) => this.#hear(said));
        this.#tabs.join();
        this.#remind();
    }

    /** Whoever leads may not know of the marks that wait here. */
    #remind() {
        for (const each of this.#marks.waiting) this.#tabs?.say({ operate: each });
    }

    #terms() {
        const { url, account = null, device = "", transports, keep, minimumDelay, maximumDelay, attempts } = this.#options;
        return { url, account, device, transports, keep, minimumDelay, maximumDelay, attempts };
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
        if (standing) this.#adopt(standing);
        if (status) this.#stand(status);
        if (confirmed) this.#marks.confirm(confirmed);
        if (refused) this.#refuse(refused);
        if (error) this.#tell("error", error, this.#options.onError);
        if (led) this.#remind();
        if (operate) this.#marks.add(operate);
        if (withdraw) this.#marks.drop(withdraw);
        if (confirmed || operate || withdraw) this.#changed();
        if (bye) this.#forget();
    }

    /** @param {Frame} frame */
    #take(frame) {
        const told = this.#fold.take(frame);
        if (this.#fold.notifications.size > HELD_LIMIT) this.#shed();
        if (!told) return this.#compare(/** @type {{cursor: Cursor}} */ (frame).cursor);
        if (frame.type === "reset") this.#tell("reset", { reason: frame.reason });
        if (told.whole) this.#next = undefined;
        if (told.whole || told.changed.size || frame.type === "entries") this.#changed();
        this.#announce(told.fresh);
    }

    /** A page that is open for months does not hold all that it was ever told; what is dropped can be loaded again. */
    #shed() {
        this.#fold.trim(HELD_LIMIT / 2);
        this.#next = undefined;
    }

    /** Whoever leads is elsewhere: if they are further on, this tab slept, and they say how everything stands. @param {Cursor} cursor */
    #compare(cursor) {
        if (!behind(cursor, this.#fold.cursor)) this.#tabs?.say({ join: this.#terms() });
    }

    /** How everything stands, for a tab that has just come or has slept. @param {Standing} standing */
    #adopt(standing) {
        const { cursor, notifications } = standing;
        if (cursor === this.#fold.cursor || behind(cursor, this.#fold.cursor)) return;
        const before = this.#fold;
        this.#fold = Fold.of(standing);
        this.#next = undefined;
        this.#changed();
        const since = before.cursor;
        if (since) this.#announce(notifications.filter((it) => !it.read && compare(it.cursor, since) > 0).sort((a, b) => compare(a.cursor, b.cursor)));
    }

    /** @param {Notification[]} fresh */
    #announce(fresh) {
        if (this.#missed) this.#missed.replayed += fresh.length;
        if (this.#missed && !this.#missed.from) return; // the first visit: all of it is what there is, none of it news
        for (const notification of fresh) {
            this.#tell("notification", { notification, live: this.state === "live" });
            call(this.#options.onNotification, notification);
        }
    }

    /** @param {Status} status */
    #stand(status) {
        const { state: previous, user } = this.#status;
        if (user && status.user && user !== status.user) this.#disown();
        this.#status = { ...status };
        const { state, retryAt, reason } = status;
        if (state === previous) return this.#changed();
        if (state === "catching up") this.#missed = { from: this.#fold.cursor, replayed: 0, began: performance.now() };
        this.#tell("state", { state, previous, retryAt, reason });
        this.#changed();
        if (state === "live") this.#caughtUp();
        if (previous === "live") call(this.#options.onDisconnect);
    }

    /** It turns out to be another person: nothing that was kept is theirs. */
    #disown() {
        this.#fold = new Fold();
        this.#marks.clear();
        this.#next = undefined;
    }

    #caughtUp() {
        const { from, replayed, began } = this.#missed ?? { from: this.cursor, replayed: 0, began: performance.now() };
        this.#missed = null;
        this.#tell("caughtup", { replayed: from ? replayed : 0, from, to: this.cursor, milliseconds: performance.now() - began });
        call(this.#options.onConnect);
    }

    /** @param {{op: string, error: string}} refused */
    #refuse({ op, error }) {
        const dropped = this.#marks.drop(op);
        this.#changed();
        this.#tell("refused", { op, state: dropped?.state, error });
    }

    /** @param {Operation} operation */
    #withdraw({ op, due }) {
        if (Date.now() >= due) return false;
        this.#marks.drop(op);
        this.#store?.drop(op);
        this.#tabs?.say({ withdraw: op });
        this.#changed();
        return true;
    }

    #forget() {
        this.disconnect();
        this.#disown();
        this.#changed();
    }

    /** Say, once what is being done is done, that something has changed. */
    #changed() {
        this.#marks.settle(this.#fold.cursor);
        this.#view = null;
        if (this.#changing) return;
        this.#changing = true;
        queueMicrotask(() => {
            this.#changing = false;
            this.#tell("change", {});
            this.#count();
            this.#expect();
        });
    }

    /** Tell whoever asked for it of other counts than before. */
    #count() {
        const { counts } = this;
        const told = JSON.stringify(counts);
        if (told !== this.#counted) call(this.#options.onStatsUpdate, counts);
        this.#counted = told;
    }

    /** Look again when something comes back or goes by itself. */
    #expect() {
        clearTimeout(this.#stirring);
        const moments = [...this.#fold.notifications.values()].flatMap((it) => [it.snoozed, it.expires].map((each) => Date.parse(each ?? "")));
        const next = Math.min(...moments.filter((each) => each > this.now));
        if (next < Infinity) this.#stirring = setTimeout(() => this.#changed(), Math.min(next - this.now + 1, LOOK_LIMIT_MILLISECONDS));
    }

    /** @param {string} name @param {any} detail @param {(detail: any) => void} [callback] */
    #tell(name, detail, callback) {
        this.dispatchEvent(new CustomEvent(name, { detail }));
        call(callback, detail);
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
