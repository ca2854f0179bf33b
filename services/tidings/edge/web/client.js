// Client: one person's notifications in a browser: complete, in order, the same in all tabs.

import { isBehind } from "./client/cursors.js";
import { EdgeClock } from "./client/edge-clock.js";
import { isOtherPerson } from "./client/names.js";
import { NotificationApi } from "./client/notification-api.js";
import { withDefaults } from "./client/options.js";
import { PageCallbacks } from "./client/page-callbacks.js";
import { inverseOf } from "./client/pending-marks.js";
import { Replica } from "./client/replica.js";
import { Tokens } from "./client/tokens.js";
import { Session } from "./sharing/session.js";

/** @import {ConnectionState, ConnectionStatus, Frame, Operation} from "./client/protocol.js" */
/** @import {CountKind, ListQuery} from "./client/notification-api.js" */
/** @import {MarkTarget} from "./client/pending-marks.js" */
/** @import {GroupMessage} from "./sharing/tab-sharing.js" */

// What pages name in their own types.
/** @typedef {import("./client/options.js").Options} Options */
/** @typedef {import("./client/protocol.js").Counts} Counts */
/** @typedef {import("./client/protocol.js").Cursor} Cursor */
/** @typedef {import("./client/protocol.js").Filter} Filter */
/** @typedef {import("./client/protocol.js").MarkState} MarkState */
/** @typedef {import("./client/protocol.js").Notification} Notification */

export { Unauthorised } from "./client/close-reason.js";

/**
 * Make a client that connects and stays connected.
 * @param {Options} [options]
 */
export function connect(options) {
    const client = new Tidings(options);
    client.connect();
    return client;
}

/**
 * Events, each with its `detail`: `state`, `change`, `notification`, `caughtup`, `reset`,
 * `refused`, `error`.
 */
export class Tidings extends EventTarget {
    /** The last client made, used by elements without one of their own. @type {Tidings | null} */
    static current = null;

    #options;
    #api;
    #callbacks;
    #replica;
    #session;
    #clock = new EdgeClock();
    /** Until when a deletion can be undone, by the stopwatch. @type {WeakMap<Operation, number>} */
    #undoableUntil = new WeakMap();
    /** @type {ConnectionStatus} */
    #status = { state: "offline", retryAt: null, reason: null, user: null, tenant: null, skew: 0 };

    /** @param {Options} [options] */
    constructor(options = {}) {
        super();
        this.#options = withDefaults(options);
        this.#callbacks = new PageCallbacks(options);
        const tokens = new Tokens(options.getToken);
        const getToken = (/** @type {{refresh?: boolean}} */ request) =>
            tokens.currentToken(request);
        this.#api = new NotificationApi(this.#options.url, getToken);
        this.#replica = new Replica({
            getNow: () => this.now,
            getState: () => this.state,
            emit: (event, detail) => this.#emit(event, detail),
        });
        this.#session = new Session(this.#options, tokens, this.#replica, {
            onMessage: (message) => this.#handleMessage(message),
            onRestore: (saved) => {
                this.#status.user ??= saved?.user ?? null;
                this.#status.tenant ??= saved?.tenant ?? null;
            },
            onTokenError: (state, reason) => this.#applyStatus({ ...this.#status, state, reason }),
        });
        Tidings.current = this;
        globalThis.document?.dispatchEvent(new CustomEvent("tidings-current"));
    }

    /** @type {ConnectionState} */
    get state() {
        return this.#status.state;
    }

    /** When the next attempt to connect is made, in ms since 1970; null if none is. */
    get retryAt() {
        return this.#status.retryAt;
    }

    get user() {
        return this.#status.user;
    }

    get tenant() {
        return this.#status.tenant;
    }

    get cursor() {
        return this.#replica.cursor;
    }

    /** How many there are, with pending marks applied. */
    get counts() {
        return this.#replica.counts;
    }

    /** What is shown, newest first. */
    get notifications() {
        return this.#replica.notifications;
    }

    /** Whether there are no older notifications than these. */
    get complete() {
        return this.#replica.complete;
    }

    /**
     * Return a notification that is loaded, also one that is archived, snoozed or expired.
     * @param {string} id
     */
    find(id) {
        return this.#replica.find(id);
    }

    /** Marks that the log has not confirmed yet. */
    get pending() {
        return [...this.#replica.pending];
    }

    /** The edge's time in ms since 1970; the browser's own clock may be wrong. */
    get now() {
        return this.#clock.now;
    }

    /** Connect, and stay connected until `disconnect`; reconnect at once if it is connected. */
    async connect() {
        if (this.#session.isActive) return this.#session.send({ wake: true });
        await this.#session.start();
    }

    /** Be offline until `connect`. */
    disconnect() {
        this.#session.stop();
        this.#applyStatus({ ...this.#status, state: "offline", retryAt: null, reason: null });
    }

    /** Disconnect, and release the store. */
    close() {
        this.disconnect();
        this.#session.closeStore();
        if (Tidings.current === this) Tidings.current = null;
    }

    /** Close in all tabs, and delete what was kept. */
    async signOut() {
        this.#session.send({ bye: true });
        this.#forget();
        await this.#session.deleteStore();
        this.close();
    }

    /**
     * Mark notifications. It shows at once, and is sent when there is a connection. Raises Error if
     * too many ids are named, or too many marks are pending.
     * @param {MarkState} state
     * @param {string[] | MarkTarget} target
     * @param {{until?: string}} [more] `until`: when a `snoozed` notification returns
     * @returns {string} the mark's name, for `undo`
     */
    mark(state, target, { until } = {}) {
        // A deletion cannot be undone once it is sent, so it waits.
        const wait = state === "deleted" ? this.#options.undo : 0;
        const named = Array.isArray(target) ? { ids: target } : target;
        const operation = this.#replica.createMark(state, named, { wait, until });
        this.#undoableUntil.set(operation, performance.now() + wait);
        this.#session.addOperation(operation);
        return operation.op;
    }

    /**
     * Mark all there are, up to the newest that is shown: what arrives in this moment is not
     * marked.
     * @param {MarkState} [state]
     */
    markAll(state = "read") {
        const newest = this.notifications[0]?.cursor;
        return newest ? this.mark(state, { up_to: newest }) : null;
    }

    /**
     * Undo a mark.
     * @param {string} op
     * @returns {boolean} false if it is too late for that
     */
    undo(op) {
        const operation = this.#replica.takeFromHistory(op);
        if (operation?.state === "deleted") return this.#withdraw(operation);
        const inverse = operation && inverseOf(operation);
        if (inverse) this.mark(inverse.state, inverse.ids);
        return Boolean(inverse);
    }

    /**
     * Press a button of a notification. Raises Error; its `reason` is the button pressed before.
     * @param {string} id
     * @param {string} action
     */
    async press(id, action) {
        return this.#api.pressAction(id, action);
    }

    /**
     * Load older notifications.
     * @param {number} [count] 100 at most
     * @returns {Promise<number>} how many were loaded
     */
    async more(count = 50) {
        const before = this.#replica.olderBefore;
        if (before === null) return 0;
        return this.#replica.addOlderPage(await this.list({ limit: count, before }));
    }

    /**
     * Return a page of any list of `GET /v1/notifications`.
     * @param {ListQuery} query `state`, `category`, `q`, `limit`, `before`, …
     */
    async list(query = {}) {
        return this.#api.fetchPage(query);
    }

    /**
     * Return how many there are of each kind, by `GET /v1/counts`.
     * @param {CountKind} kind
     */
    async countsBy(kind) {
        return this.#api.fetchCounts(kind);
    }

    /**
     * Ask the edge for anything else, as this person: `/v1/preferences`, …. Raises Error; its `code`
     * is the status if the edge refused.
     * @param {string} path
     * @param {object | null} [body] JSON; null: GET
     * @param {RequestInit} [more] another method, and headers of its own
     * @returns {Promise<any>}
     */
    async request(path, body, more) {
        return this.#api.request(path, body, more);
    }

    /** Handle what the leader reports and what other tabs do. @param {GroupMessage} message */
    #handleMessage(message) {
        const { frame, standing, status, confirmed, refused, error, led } = message;
        if (frame) this.#applyFrame(frame);
        if (standing) this.#replica.adoptLog(standing);
        if (status) this.#clock.setSkew(status.skew);
        if (status) this.#applyStatus(status);
        if (confirmed) this.#replica.confirmMark(confirmed);
        if (refused) this.#rollBack(refused);
        if (error) this.#emit("error", error);
        if (led) this.#session.sendPending();
        if (message.operate) this.#replica.addMark(message.operate);
        if (message.withdraw) this.#replica.removeMark(message.withdraw);
        if (message.bye) this.#forget();
    }

    /**
     * Apply a frame; if it does not follow, this tab was suspended and asks for the whole state.
     * @param {Frame} frame
     */
    #applyFrame(frame) {
        if (this.#replica.applyFrame(frame)) return;
        const cursor = "cursor" in frame ? frame.cursor : null;
        if (cursor && isBehind(cursor, this.cursor)) return;
        this.#session.requestLog();
    }

    /** @param {ConnectionStatus} status */
    #applyStatus(status) {
        const { state: previous } = this.#status;
        if (isOtherPerson(this.#status, status)) this.#replica.clear();
        this.#status = { ...status };
        const { state, retryAt, reason } = status;
        this.#replica.scheduleChange();
        if (state === previous) return;
        if (state === "catching up") this.#replica.beginCatchUp();
        this.#emit("state", { state, previous, retryAt, reason });
        if (state === "live") this.#replica.endCatchUp();
    }

    /** Take back a mark that the edge refused. @param {{op: string, error: string}} refusal */
    #rollBack({ op, error }) {
        const removed = this.#replica.removeMark(op);
        this.#emit("refused", { op, state: removed?.state, error });
    }

    /** @param {Operation} operation @returns {boolean} false if it may be sent already */
    #withdraw(operation) {
        const { op } = operation;
        if (performance.now() >= (this.#undoableUntil.get(operation) ?? 0)) return false;
        this.#replica.removeMark(op);
        this.#session.withdrawOperation(op);
        return true;
    }

    #forget() {
        this.disconnect();
        this.#replica.clear();
    }

    /**
     * Tell the page, by an event and by the callback for it.
     * @param {string} event
     * @param {any} detail
     */
    #emit(event, detail) {
        this.dispatchEvent(new CustomEvent(event, { detail }));
        this.#callbacks.reportEvent(event, detail, () => this.counts);
    }
}
