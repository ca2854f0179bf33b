// Marks: those that the log has not confirmed yet, of this tab and of others, and the last ones made here, for taking them back.

import { compare } from "./fold.js";
import { OPERATIONS_LIMIT } from "./leader.js";

/** @import {Cursor, Filter, MarkState, Notification, Operation} from "./protocol.js" */
/** @typedef {{ids?: string[], up_to?: Cursor, filter?: Filter}} Which */

/** @type {Record<string, MarkState>} */
const CONTRARY = { read: "unread", unread: "read", archived: "unarchived", unarchived: "archived", snoozed: "unsnoozed" };
const IDS_LIMIT = 500;
const MADE_LIMIT = 50;

export class Marks {
    /** In the order of their making. @type {Operation[]} */ waiting = [];
    /** @type {Operation[]} */ #made = [];
    #number = 0;

    /**
     * Raises Error if it names too many, or too many wait.
     * @param {MarkState} state
     * @param {Which} which
     * @param {{now: number, due: number, until?: string}} moments `now` and `due` in milliseconds since 1970
     * @returns {Operation}
     */
    make(state, which, { now, due, until }) {
        if (which.ids && (which.ids.length === 0 || which.ids.length > IDS_LIMIT)) throw new Error(`a mark names 1 to ${IDS_LIMIT} ids`);
        if (this.waiting.length >= OPERATIONS_LIMIT) throw new Error(`${OPERATIONS_LIMIT} marks are waiting for a connection`);
        const made = { op: this.#name(now), state, at: new Date(now).toISOString(), due, ...which, ...(until && { until }) };
        this.waiting = [...this.waiting, made];
        this.#made = [...this.#made, made].slice(-MADE_LIMIT);
        return made;
    }

    /** One of another tab's. @param {Operation} operation */
    add(operation) {
        if (!this.waiting.some(({ op }) => op === operation.op)) this.waiting = [...this.waiting, operation];
    }

    /** Where its entry stands in the log. @param {{op: string, cursor: Cursor}} confirmed */
    confirm({ op, cursor }) {
        this.waiting = this.waiting.map((each) => (each.op === op ? { ...each, confirmed: cursor } : each));
    }

    /** Those whose entries have come are done. @param {Cursor | null} cursor */
    settle(cursor) {
        this.waiting = this.waiting.filter((each) => !(each.confirmed && cursor && compare(each.confirmed, cursor) <= 0));
    }

    /** One that does not take place; it, if it waited. @param {string} op */
    drop(op) {
        const dropped = this.waiting.find((each) => each.op === op);
        this.waiting = this.waiting.filter((each) => each !== dropped);
        return dropped;
    }

    /**
     * Take the last one of a name out of those that can be taken back.
     * @param {string} op
     */
    recall(op) {
        const made = this.#made.find((each) => each.op === op);
        this.#made = this.#made.filter((each) => each !== made);
        return made;
    }

    clear() {
        [this.waiting, this.#made] = [[], []];
    }

    /** The later one was made, the later its name in their order. @param {number} now */
    #name(now) {
        this.#number = (this.#number + 1) % OPERATIONS_LIMIT;
        return `${Math.trunc(now)}-${String(this.#number).padStart(3, "0")}-${Math.random().toString(36).slice(2)}`;
    }
}

/**
 * What undoes a mark, null if nothing does.
 * @param {Operation} operation
 * @returns {{state: MarkState, ids: string[]} | null}
 */
export function contrary({ state, touched }) {
    return CONTRARY[state] && touched?.length ? { state: CONTRARY[state], ids: touched } : null;
}

/**
 * The ids of those that a mark changed, as far as they are shown.
 * @param {readonly Notification[]} before
 * @param {readonly Notification[]} after
 */
export function touched(before, after) {
    const left = new Set(after);
    return before.filter((it) => !left.has(it)).map(({ id }) => id).slice(0, IDS_LIMIT);
}
