// Replica: one tab's copy of a person's log, with the pending marks on top, and what of it is new.

import { compareCursors, isBehind } from "./cursors.js";
import { applyMarks } from "./marks.js";
import { changedIds, PendingMarks } from "./pending-marks.js";
import { LogState } from "./reducer.js";
import { computeView } from "./view.js";

/** @import {ConnectionState, Cursor, Frame, MarkState} from "./protocol.js" */
/** @import {Notification, Operation} from "./protocol.js" */
/** @import {MarkTarget} from "./pending-marks.js" */
/** @import {SerializedLog} from "./reducer.js" */
/** @import {SavedLog} from "./store.js" */
/** @import {View} from "./view.js" */

/**
 * What a replica needs of the client that it belongs to.
 * @typedef {object} ReplicaHost
 * @property {() => number} getNow milliseconds since 1970
 * @property {() => ConnectionState} getState
 * @property {(event: string, detail: object) => void} emit
 */

/** A page that is open for months must not hold everything it ever received. */
const NOTIFICATIONS_LIMIT = 20_000;
const TIMER_LIMIT_MILLISECONDS = 3_600_000;

export class Replica {
    #host;
    #log = new LogState();
    #marks = new PendingMarks();
    /** The last view computed; null: it is outdated. @type {View | null} */ #view = null;
    /**
     * Where the next older page begins: null after the last one, undefined before the oldest
     * notification here.
     * @type {Cursor | null | undefined}
     */
    #next;
    /**
     * The catch-up under way.
     * @type {{from: Cursor | null, replayed: number, began: number} | null}
     */
    #catchUp = null;
    #isChangeScheduled = false;
    /** @type {ReturnType<typeof setTimeout> | undefined} */ #timer;

    /** @param {ReplicaHost} host */
    constructor(host) {
        this.#host = host;
    }

    get cursor() {
        return this.#log.cursor;
    }

    get counts() {
        return this.#currentView().counts;
    }

    /** @returns {readonly Notification[]} */
    get notifications() {
        return this.#currentView().notifications;
    }

    get complete() {
        return this.#next === null || this.#currentView().complete;
    }

    /** Marks that the log has not confirmed yet. */
    get pending() {
        return this.#marks.operations;
    }

    /** Before which cursor the next older page lies; null if there is none. */
    get olderBefore() {
        return this.#next === null ? null : (this.#next ?? this.#log.floor ?? undefined);
    }

    /** @param {string} id */
    find(id) {
        const it = this.#log.notifications.get(id);
        return (it && applyMarks(it, this.pending)) ?? undefined;
    }

    /**
     * Take over what was stored; the marks that are pending here come after the stored ones.
     * @param {SavedLog | null} saved
     * @param {Notification[]} notifications
     * @param {Operation[]} operations
     */
    restore(saved, notifications, operations) {
        if (saved && !this.#log.cursor) this.#replaceLog({ ...saved, notifications });
        this.replacePending([...operations, ...this.pending]);
    }

    /** @param {Operation[]} operations */
    replacePending(operations) {
        this.#marks.operations = operations;
        this.scheduleChange();
    }

    /**
     * Apply the next frame.
     * @param {Frame} frame
     * @returns {boolean} false if it does not follow
     */
    applyFrame(frame) {
        const before = JSON.stringify(this.#log.counts);
        const change = this.#log.applyFrame(frame);
        if (this.#log.notifications.size > NOTIFICATIONS_LIMIT) this.#dropOlderHalf();
        if (!change) return false;
        if (frame.type === "reset") this.#host.emit("reset", { reason: frame.reason });
        if (change.whole) this.#next = undefined;
        const isNews = change.whole || frame.type === "entries";
        if (isNews || JSON.stringify(this.#log.counts) !== before) this.scheduleChange();
        this.#announce(change.fresh);
        return true;
    }

    /**
     * Take over the leader's whole state, in a tab that is new or was suspended.
     * @param {SerializedLog} serialized
     */
    adoptLog(serialized) {
        const since = this.cursor;
        const { cursor, notifications } = serialized;
        if (!cursor || isBehind(cursor, since)) return;
        if (cursor === since) return this.#adoptCounts(serialized);
        this.#replaceLog(serialized);
        this.scheduleChange();
        if (!since) return;
        const fresh = notifications.filter(
            (it) => !it.read && compareCursors(it.cursor, since) > 0,
        );
        this.#announce(fresh.sort((a, b) => compareCursors(a.cursor, b.cursor)));
    }

    /**
     * Add a page of older notifications.
     * @param {{notifications: Notification[], cursor: Cursor, next: Cursor | null}} page
     * @returns {number} how many of them are new here
     */
    addOlderPage({ notifications, cursor, next }) {
        const before = this.#log.notifications.size;
        this.#log.addOlderPage(notifications, cursor);
        this.#next = next;
        this.scheduleChange();
        return this.#log.notifications.size - before;
    }

    /**
     * Make a mark, which shows at once; raises Error if it cannot be made.
     * @param {MarkState} state
     * @param {MarkTarget} target
     * @param {{wait: number, until?: string}} times
     */
    createMark(state, target, times) {
        const before = this.notifications;
        const now = this.#host.getNow();
        const operation = this.#marks.createOperation(state, target, { now, ...times });
        this.#view = null;
        operation.touched = changedIds(before, this.notifications);
        this.scheduleChange();
        return operation;
    }

    /** Return a mark made here, once, so that it can be undone. @param {string} op */
    takeFromHistory(op) {
        return this.#marks.takeFromHistory(op);
    }

    /** Add a mark of another tab. @param {Operation} operation */
    addMark(operation) {
        this.#marks.addOperation(operation);
        this.scheduleChange();
    }

    /**
     * Note where the entry of a mark lies in the log.
     * @param {{op: string, cursor: Cursor}} place
     */
    confirmMark(place) {
        this.#marks.confirmOperation(place);
        this.scheduleChange();
    }

    /** Remove a mark that does not take place; returns it if it was pending. @param {string} op */
    removeMark(op) {
        const removed = this.#marks.removeOperation(op);
        this.scheduleChange();
        return removed;
    }

    /** Begin to count what was missed. */
    beginCatchUp() {
        this.#catchUp = { from: this.cursor, replayed: 0, began: performance.now() };
    }

    /** Report what was missed. */
    endCatchUp() {
        const [now, to] = [performance.now(), this.cursor];
        const { from, replayed, began } = this.#catchUp ?? { from: to, replayed: 0, began: now };
        this.#catchUp = null;
        const detail = { replayed: from ? replayed : 0, from, to, milliseconds: now - began };
        this.#host.emit("caughtup", detail);
    }

    /** Forget everything: another user is signed in now. */
    clear() {
        this.#log = new LogState();
        this.#marks.clear();
        this.#next = undefined;
        this.scheduleChange();
    }

    /** Emit `change` once for all changes of this turn of the event loop. */
    scheduleChange() {
        this.#marks.dropReached(this.cursor);
        this.#view = null;
        if (this.#isChangeScheduled) return;
        this.#isChangeScheduled = true;
        queueMicrotask(() => {
            this.#isChangeScheduled = false;
            this.#host.emit("change", {});
            this.#startTimer();
        });
    }

    /** @returns {View} */
    #currentView() {
        if (!this.#view) {
            this.#view = computeView(this.#log, this.pending, this.#host.getNow());
            Object.freeze(this.#view.notifications);
        }
        return this.#view;
    }

    /** @param {SerializedLog} serialized */
    #replaceLog(serialized) {
        this.#log = LogState.from(serialized);
        this.#next = undefined;
    }

    /**
     * Take over the counts at the same cursor: a leader that was replaced in the middle of a replay
     * sent entries, but not the counts after the last of them.
     * @param {SerializedLog} serialized
     */
    #adoptCounts({ counts }) {
        this.#log.counts = counts;
        this.scheduleChange();
    }

    /** What is dropped can be loaded again as older pages. */
    #dropOlderHalf() {
        this.#log.trimTo(NOTIFICATIONS_LIMIT / 2);
        this.#next = undefined;
    }

    /** @param {Notification[]} fresh */
    #announce(fresh) {
        if (this.#catchUp) this.#catchUp.replayed += fresh.length;
        // On a first visit everything arrives, and none of it is news.
        if (this.#catchUp && !this.#catchUp.from) return;
        const live = this.#host.getState() === "live";
        for (const notification of fresh) this.#host.emit("notification", { notification, live });
    }

    /** Emit `change` again when a snoozed notification returns or one expires. */
    #startTimer() {
        clearTimeout(this.#timer);
        const now = this.#host.getNow();
        const next = Math.min(...this.#turningPoints().filter((time) => time > now));
        if (next === Infinity) return;
        // At least once an hour: timers lose time while a computer sleeps.
        const milliseconds = Math.min(next - now + 1, TIMER_LIMIT_MILLISECONDS);
        this.#timer = setTimeout(() => this.scheduleChange(), milliseconds);
    }

    /** Return when notifications appear or disappear by themselves, in ms since 1970. */
    #turningPoints() {
        return [...this.#log.notifications.values()]
            .flatMap(({ snoozed, expires }) => [snoozed, expires])
            .map((time) => Date.parse(time ?? ""));
    }
}
