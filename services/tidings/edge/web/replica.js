// Replica: what a page holds of a person's log, with the marks on top that are on their way, and what of it is news.

import { behind, compare, Fold, standing, view } from "./fold.js";
import { Marks, touched } from "./marks.js";

/** @import {Counts, Cursor, Frame, MarkState, Notification, Operation, State} from "./protocol.js" */
/** @import {Standing} from "./leader.js" */
/** @import {Which} from "./marks.js" */
/** @import {Saved} from "./store.js" */

/**
 * What a replica asks for and tells.
 * @typedef {object} Ends
 * @property {() => number} now milliseconds since 1970
 * @property {() => State} state
 * @property {(name: string, detail: object) => void} tell
 */

const HELD_LIMIT = 20_000;
const LOOK_LIMIT_MILLISECONDS = 3_600_000;

export class Replica {
    #ends;
    #fold = new Fold();
    #marks = new Marks();
    /** @type {{notifications: readonly Notification[], counts: Counts, complete: boolean} | null} */ #view = null;
    /** Before which those are that can be loaded; null if there are none, undefined: before the oldest. @type {Cursor | null | undefined} */ #next;
    /** What was missed, while it comes. @type {{from: Cursor | null, replayed: number, began: number} | null} */ #missed = null;
    #changing = false;
    /** @type {ReturnType<typeof setTimeout> | undefined} */ #stirring;

    /** @param {Ends} ends */
    constructor(ends) {
        this.#ends = ends;
    }

    get cursor() {
        return this.#fold.cursor;
    }

    get counts() {
        return this.#seen().counts;
    }

    get notifications() {
        return this.#seen().notifications;
    }

    get complete() {
        return this.#next === null || this.#seen().complete;
    }

    /** Marks that are on their way. */
    get waiting() {
        return this.#marks.waiting;
    }

    /** Before which the next page of older ones is; null if there is none. */
    get before() {
        return this.#next === null ? null : (this.#next ?? this.#fold.floor ?? undefined);
    }

    /** @param {string} id */
    find(id) {
        const found = this.#fold.notifications.get(id);
        return (found && standing(found, this.#marks.waiting)) ?? undefined;
    }

    /** Take up what was kept, and marks that wait since then. @param {Saved | null} saved @param {Notification[]} notifications @param {Operation[]} operations */
    restore(saved, notifications, operations) {
        if (saved && !this.#fold.cursor) this.#stand({ ...saved, notifications });
        this.queue([...operations, ...this.#marks.waiting]);
    }

    /** These marks are on their way now. @param {Operation[]} operations */
    queue(operations) {
        this.#marks.waiting = operations;
        this.changed();
    }

    /** Take the next frame on; false if it does not follow. @param {Frame} frame */
    take(frame) {
        const told = this.#fold.take(frame);
        if (this.#fold.notifications.size > HELD_LIMIT) this.#shed();
        if (!told) return false;
        if (frame.type === "reset") this.#ends.tell("reset", { reason: frame.reason });
        if (told.whole) this.#next = undefined;
        if (told.whole || told.changed.size || frame.type === "entries") this.changed();
        this.#announce(told.fresh);
        return true;
    }

    /** How everything stands, for a tab that has just come or has slept. @param {Standing} standing */
    adopt(standing) {
        const since = this.#fold.cursor;
        if (standing.cursor === since || behind(standing.cursor, since)) return;
        this.#stand(standing);
        this.changed();
        if (since) this.#announce(standing.notifications.filter((it) => !it.read && compare(it.cursor, since) > 0).sort((a, b) => compare(a.cursor, b.cursor)));
    }

    /**
     * Take on a page of older ones as they stood at a cursor: how many of them are new here.
     * @param {{notifications: Notification[], cursor: Cursor, next: Cursor | null}} page
     */
    older({ notifications, cursor, next }) {
        const known = this.#fold.notifications.size;
        this.#fold.older(notifications, cursor);
        this.#next = next;
        this.changed();
        return this.#fold.notifications.size - known;
    }

    /**
     * Make a mark, which shows at once; raises Error if that is not to be had.
     * @param {MarkState} state
     * @param {Which} which
     * @param {{due: number, until?: string}} moments
     */
    mark(state, which, moments) {
        const before = this.notifications;
        const operation = this.#marks.make(state, which, { now: this.#ends.now(), ...moments });
        this.#view = null;
        operation.touched = touched(before, this.notifications);
        this.changed();
        return operation;
    }

    /** A mark made here, for taking it back. @param {string} op */
    recall(op) {
        return this.#marks.recall(op);
    }

    /** A mark of another tab's. @param {Operation} operation */
    add(operation) {
        this.#marks.add(operation);
        this.changed();
    }

    /** A mark lies in the log. @param {{op: string, cursor: Cursor}} confirmed */
    confirm(confirmed) {
        this.#marks.confirm(confirmed);
        this.changed();
    }

    /** A mark that does not take place; it, if it waited. @param {string} op */
    drop(op) {
        const dropped = this.#marks.drop(op);
        this.changed();
        return dropped;
    }

    /** From here on comes what was missed. */
    begin() {
        this.#missed = { from: this.#fold.cursor, replayed: 0, began: performance.now() };
    }

    /** All that was missed is here. */
    end() {
        const { from, replayed, began } = this.#missed ?? { from: this.cursor, replayed: 0, began: performance.now() };
        this.#missed = null;
        this.#ends.tell("caughtup", { replayed: from ? replayed : 0, from, to: this.cursor, milliseconds: performance.now() - began });
    }

    /** Nothing of this is theirs who is here now. */
    clear() {
        this.#fold = new Fold();
        this.#marks.clear();
        this.#next = undefined;
        this.changed();
    }

    /** Say, once what is being done is done, that something has changed. */
    changed() {
        this.#marks.settle(this.#fold.cursor);
        this.#view = null;
        if (this.#changing) return;
        this.#changing = true;
        queueMicrotask(() => {
            this.#changing = false;
            this.#ends.tell("change", {});
            this.#expect();
        });
    }

    #seen() {
        if (!this.#view) {
            const seen = view(this.#fold, this.#marks.waiting, this.#ends.now());
            this.#view = { ...seen, notifications: Object.freeze(seen.notifications) };
        }
        return this.#view;
    }

    /** @param {Standing | (Saved & {notifications: Notification[]})} standing */
    #stand(standing) {
        this.#fold = Fold.of(standing);
        this.#next = undefined;
    }

    /** A page that is open for months does not hold all that it was ever told; what is dropped can be loaded again. */
    #shed() {
        this.#fold.trim(HELD_LIMIT / 2);
        this.#next = undefined;
    }

    /** @param {Notification[]} fresh */
    #announce(fresh) {
        if (this.#missed) this.#missed.replayed += fresh.length;
        if (this.#missed && !this.#missed.from) return; // the first visit: all of it is what there is, none of it news
        for (const notification of fresh) this.#ends.tell("notification", { notification, live: this.#ends.state() === "live" });
    }

    /** Look again when something comes back or goes by itself. */
    #expect() {
        clearTimeout(this.#stirring);
        const now = this.#ends.now();
        const moments = [...this.#fold.notifications.values()].flatMap((it) => [it.snoozed, it.expires].map((each) => Date.parse(each ?? "")));
        const next = Math.min(...moments.filter((each) => each > now));
        if (next < Infinity) this.#stirring = setTimeout(() => this.changed(), Math.min(next - now + 1, LOOK_LIMIT_MILLISECONDS));
    }
}
