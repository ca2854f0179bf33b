// Undoable marks: marks notifications for the inbox, and takes the last mark back.

/** @import {Tidings} from "../../client.js" */
/** @import {MarkState, Notification} from "../../client/protocol.js" */
/** @import {ShownList} from "./shown-list.js" */

/**
 * A mark that was made; `list`: the edge's list that it took the notifications out of.
 * @typedef {object} MadeMark
 * @property {MarkState} state
 * @property {Notification[]} notifications
 * @property {string} op
 * @property {"archived" | "snoozed" | undefined} list
 */

export class UndoableMarks {
    #shownList;
    /** Undoes the last mark. @type {(() => void) | null} */ #undo = null;

    /** @param {ShownList} shownList */
    constructor(shownList) {
        this.#shownList = shownList;
    }

    /**
     * Mark notifications, also in the list that is shown.
     * @param {Tidings} client
     * @param {MarkState} state
     * @param {Notification[]} notifications
     * @param {string} [until]
     * @returns {() => void} undoes it
     */
    markNotifications(client, state, notifications, until) {
        const ids = notifications.map(({ id }) => id);
        const op = client.mark(state, ids, { until });
        const { results } = this.#shownList;
        results?.applyMark(state, ids, new Date(client.now).toISOString());
        const madeMark = { state, notifications, op, list: results?.state };
        return () => this.#undoMark(client, madeMark);
    }

    /** @param {() => void} undo what `undoLast` runs */
    rememberUndo(undo) {
        this.#undo = undo;
    }

    /** Undo the last mark, once. */
    undoLast() {
        this.#undo?.();
        this.forgetLast();
    }

    forgetLast() {
        this.#undo = null;
    }

    /**
     * Undo a mark; what it took out of the edge's list goes back there. The client cannot do that,
     * because it does not hold such a list.
     * @param {Tidings} client
     * @param {MadeMark} madeMark
     */
    #undoMark(client, { state, notifications, op, list }) {
        const ids = notifications.map(({ id }) => id);
        if (state === "deleted" || !list) client.undo(op);
        else if (list === "archived") client.mark("archived", ids);
        else
            for (const { id, snoozed } of notifications)
                client.mark("snoozed", [id], { until: snoozed });
        const { results } = this.#shownList;
        if (results && list === results.state) results.restoreNotifications(notifications);
    }
}
