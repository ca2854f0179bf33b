// Mark sender: sends the marks of all tabs, one after the other, in the order of their making.

import { CloseReason } from "../client/close-reason.js";
import { isReached, OPERATIONS_LIMIT } from "../client/pending-marks.js";

/** @import {Cursor, Operation} from "../client/protocol.js" */

/**
 * @typedef {object} SenderHandlers
 * @property {() => boolean} isLive
 * @property {(body: object) => Promise<any>} post raises CloseReason
 * @property {(confirmed: {op: string, cursor: Cursor}) => void} onConfirmed
 * @property {(refused: {op: string, error: string}) => Promise<void>} onRefused
 */

const RETRY_DELAY_MILLISECONDS = 5000;
/** Statuses that another attempt would not change. */
const REFUSALS = [400, 404, 409, 413, 422];

export class MarkSender {
    #handlers;
    /** By name, in the order of their making. @type {Map<string, Operation>} */
    #operations = new Map();
    /**
     * When each may be sent, by the stopwatch: clocks of browsers are set.
     * @type {WeakMap<Operation, number>}
     */
    #readyAt = new WeakMap();
    #isSending = false;
    /** @type {ReturnType<typeof setTimeout> | undefined} */ #timer;

    /** @param {SenderHandlers} handlers */
    constructor(handlers) {
        this.#handlers = handlers;
    }

    /** Take over the marks that were kept. @param {Operation[]} operations */
    restore(operations) {
        for (const operation of operations) this.#keepOperation(operation);
    }

    stop() {
        clearTimeout(this.#timer);
    }

    /** Send a mark; one that is known already changes nothing. @param {Operation} operation */
    addOperation(operation) {
        const isFull = this.#operations.size >= OPERATIONS_LIMIT;
        if (this.#operations.has(operation.op) || isFull) return;
        this.#keepOperation(operation);
        this.sendOperations();
    }

    /** @param {string} op */
    withdrawOperation(op) {
        this.#operations.delete(op);
    }

    /** Drop all marks; returns their names. */
    dropAll() {
        const names = [...this.#operations.keys()];
        this.#operations.clear();
        return names;
    }

    /**
     * Drop the marks whose entries have arrived.
     * @param {Cursor | null} cursor
     * @returns {string[]} their names
     */
    dropReached(cursor) {
        const reached = [...this.#operations.values()].filter((it) => isReached(it, cursor));
        for (const { op } of reached) this.#operations.delete(op);
        return reached.map(({ op }) => op);
    }

    /** @param {Operation} operation */
    #keepOperation(operation) {
        this.#operations.set(operation.op, operation);
        this.#readyAt.set(operation, performance.now() + (operation.wait ?? 0));
    }

    /** @param {Operation} operation */
    #millisecondsUntilReady(operation) {
        return (this.#readyAt.get(operation) ?? 0) - performance.now();
    }

    /** @param {Operation[]} operations */
    #millisecondsUntilNext(operations) {
        if (!operations.length) return null;
        const pauses = operations.map((operation) => this.#millisecondsUntilReady(operation));
        return Math.max(0, Math.min(...pauses));
    }

    /** Send what is due, and again when more is. */
    async sendOperations() {
        if (this.#isSending) return;
        this.#isSending = true;
        clearTimeout(this.#timer);
        const milliseconds = await this.#sendDue().catch(
            ({ retryAfterMilliseconds }) => retryAfterMilliseconds ?? RETRY_DELAY_MILLISECONDS,
        );
        this.#isSending = false;
        if (milliseconds !== null && this.#handlers.isLive())
            this.#timer = setTimeout(() => this.sendOperations(), milliseconds);
    }

    /**
     * Send what is due; raises CloseReason if the edge refuses for now.
     * @returns {Promise<number | null>} milliseconds until more is due; null if nothing waits
     */
    async #sendDue() {
        for (;;) {
            const waiting = [...this.#operations.values()].filter(({ confirmed }) => !confirmed);
            const next = waiting.find((operation) => this.#millisecondsUntilReady(operation) <= 0);
            if (!next || !this.#handlers.isLive()) return this.#millisecondsUntilNext(waiting);
            await this.#sendOperation(next);
        }
    }

    /** @param {Operation} operation */
    async #sendOperation(operation) {
        const { op, state, ids, up_to, filter, until } = operation;
        try {
            const body = { op, state, ids, up_to, filter, until };
            const { cursor } = await this.#handlers.post(body);
            operation.confirmed = cursor;
            this.#handlers.onConfirmed({ op, cursor });
        } catch (error) {
            if (!(error instanceof CloseReason) || !REFUSALS.includes(error.code)) throw error;
            this.#operations.delete(op);
            await this.#handlers.onRefused({ op, error: error.message });
        }
    }
}
