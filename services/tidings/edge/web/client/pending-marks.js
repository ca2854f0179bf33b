// Pending marks: those of all tabs that the log has not confirmed yet, and the last ones made here.

import { compareCursors } from "./cursors.js";

/** @import {Cursor, Filter, MarkState, Notification, Operation} from "./protocol.js" */
/** @typedef {{ids?: string[], up_to?: Cursor, filter?: Filter}} MarkTarget */

export const OPERATIONS_LIMIT = 1000;
const IDS_LIMIT = 500;
const HISTORY_LIMIT = 50;
/** @type {Record<string, MarkState>} */
const INVERSES = {
    read: "unread",
    unread: "read",
    archived: "unarchived",
    unarchived: "archived",
    snoozed: "unsnoozed",
};

export class PendingMarks {
    /** In the order in which they were made. @type {Operation[]} */ operations = [];
    /** The last ones made here, which can be undone. @type {Operation[]} */ #history = [];
    #number = 0;

    /**
     * Make a mark; raises Error if it names too many notifications, or too many marks are pending.
     * @param {MarkState} state
     * @param {MarkTarget} target
     * @param {{now: number, wait: number, until?: string}} times `now` in ms since 1970; `wait`:
     *     how many ms it is not sent
     * @returns {Operation}
     */
    createOperation(state, target, { now, wait, until }) {
        this.#requireRoom(target);
        const at = new Date(now).toISOString();
        const operation = { op: this.#nextName(now), state, at, wait, ...target };
        if (until) Object.assign(operation, { until });
        this.operations = [...this.operations, operation];
        this.#history = [...this.#history, operation].slice(-HISTORY_LIMIT);
        return operation;
    }

    /** Add a mark that another tab made. @param {Operation} operation */
    addOperation(operation) {
        if (this.operations.some(({ op }) => op === operation.op)) return;
        this.operations = [...this.operations, operation];
    }

    /**
     * Note where the entry of a mark lies in the log.
     * @param {{op: string, cursor: Cursor}} place
     */
    confirmOperation({ op, cursor }) {
        this.operations = this.operations.map((operation) =>
            operation.op === op ? { ...operation, confirmed: cursor } : operation,
        );
    }

    /** Drop the marks whose entries lie at or before a cursor. @param {Cursor | null} cursor */
    dropReached(cursor) {
        this.operations = this.operations.filter((operation) => !isReached(operation, cursor));
    }

    /**
     * Remove a mark that does not take place.
     * @param {string} op
     * @returns {Operation | undefined} the mark, if it was pending
     */
    removeOperation(op) {
        const removed = this.operations.find((operation) => operation.op === op);
        this.operations = this.operations.filter((operation) => operation !== removed);
        return removed;
    }

    /**
     * Take a mark out of those that can be undone.
     * @param {string} op
     */
    takeFromHistory(op) {
        const operation = this.#history.find((it) => it.op === op);
        this.#history = this.#history.filter((it) => it !== operation);
        return operation;
    }

    clear() {
        [this.operations, this.#history] = [[], []];
    }

    /** @param {MarkTarget} target */
    #requireRoom({ ids }) {
        if (ids && (ids.length === 0 || ids.length > IDS_LIMIT))
            throw new Error(`a mark names 1 to ${IDS_LIMIT} ids, not ${ids.length}`);
        if (this.operations.length >= OPERATIONS_LIMIT)
            throw new Error(`${OPERATIONS_LIMIT} marks wait for a connection; no more are taken`);
    }

    /**
     * Return a name that sorts after all earlier ones: the store reads in this order.
     * @param {number} now
     */
    #nextName(now) {
        this.#number = (this.#number + 1) % OPERATIONS_LIMIT;
        const number = String(this.#number).padStart(3, "0");
        return `${Math.trunc(now)}-${number}-${Math.random().toString(36).slice(2)}`;
    }
}

/**
 * Tell whether the entry of a mark lies at or before a cursor.
 * @param {Operation} operation
 * @param {Cursor | null} cursor
 */
export function isReached({ confirmed }, cursor) {
    return Boolean(confirmed && cursor && compareCursors(confirmed, cursor) <= 0);
}

/**
 * Return the mark that undoes another one; null if none does.
 * @param {Operation} operation
 * @returns {{state: MarkState, ids: string[]} | null}
 */
export function inverseOf({ state, touched }) {
    return INVERSES[state] && touched?.length ? { state: INVERSES[state], ids: touched } : null;
}

/**
 * Return the ids of the notifications that a mark changed, as far as they are shown.
 * @param {readonly Notification[]} before
 * @param {readonly Notification[]} after
 */
export function changedIds(before, after) {
    const unchanged = new Set(after);
    const changed = before.filter((it) => !unchanged.has(it));
    return changed.slice(0, IDS_LIMIT).map(({ id }) => id);
}
