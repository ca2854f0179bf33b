// Reducer: a person's notifications at a cursor, and the next state after each frame. It does no
// I/O.

import { compareCursors, isSamePosition } from "./cursors.js";
import { applyMark, applyMarks } from "./marks.js";

/** @import {Counts, Cursor, CursorFrame, Entries, Frame, Mark} from "./protocol.js" */
/** @import {Notification, Snapshot} from "./protocol.js" */

/**
 * A state as plain data, as it is stored and as a leader sends it to a tab.
 * @typedef {object} SerializedLog
 * @property {Cursor | null} cursor
 * @property {Counts} counts
 * @property {Cursor | null} floor
 * @property {Notification[]} notifications
 */

/**
 * What a frame changed: the notifications that are new, and the ids of all that changed.
 * `whole`: the frame replaced everything.
 * @typedef {{fresh: Notification[], changed: Set<string>, whole: boolean}} FrameChange
 */

const MARKS_LIMIT = 200;
/** @type {Counts} */
const NO_COUNTS = { unread: 0, unseen: 0, total: 0 };

/**
 * The state at a cursor. `floor` is the oldest cursor from which on every notification is here;
 * null if there is none that is not here.
 */
export class LogState {
    /** @type {Cursor | null} */ cursor = null;
    /** @type {Counts} */ counts = NO_COUNTS;
    /** @type {Cursor | null} */ floor = null;
    /** @type {Map<string, Notification>} */ notifications = new Map();
    /** @type {Mark[]} */ #recentMarks = [];

    /**
     * Restore a state.
     * @param {SerializedLog} serialized
     */
    static from({ cursor, counts, floor, notifications }) {
        const byId = new Map(notifications.map((it) => [it.id, it]));
        return Object.assign(new LogState(), { cursor, counts, floor, notifications: byId });
    }

    /** Return the state as plain data. @returns {SerializedLog} */
    serialize() {
        return { ...this, notifications: [...this.notifications.values()] };
    }

    /**
     * Apply the next frame.
     * @param {Frame} frame
     * @returns {FrameChange | null} null if the frame does not follow: something was missed
     */
    applyFrame(frame) {
        switch (frame.type) {
            case "snapshot":
                return this.#replaceAll(frame);
            case "entries":
            case "heartbeat":
            case "live":
                if ((frame.after ?? frame.cursor) !== this.cursor) return null;
                return this.#appendEntries(frame);
            case "hello":
                // Former edges did not say whose a cursor is; this one does.
                if (isSamePosition(this.cursor, frame.cursor)) this.cursor = frame.cursor;
                break;
            case "reset":
                // What is shown stays until the snapshot that follows replaces it.
                this.cursor = null;
        }
        return noChange();
    }

    /**
     * Add a page of older notifications.
     *
     * The page was read from rows that may lag behind the log, so marks newer than its cursor are
     * applied to it again, and what is here already is not overwritten.
     * @param {Notification[]} page
     * @param {Cursor} cursor at which the page was read
     */
    addOlderPage(page, cursor) {
        const newerMarks = this.#recentMarks.filter(
            (mark) => mark.cursor && compareCursors(mark.cursor, cursor) > 0,
        );
        for (const it of page) {
            if (this.notifications.has(it.id)) continue;
            const current = applyMarks(it, newerMarks);
            if (current) this.notifications.set(it.id, current);
        }
    }

    /**
     * Keep only the newest notifications.
     * @param {number} count how many to keep
     * @returns {string[]} the ids of those dropped
     */
    trimTo(count) {
        const sorted = [...this.notifications.values()].sort(newestFirst);
        const dropped = sorted.slice(count);
        for (const { id } of dropped) this.notifications.delete(id);
        if (dropped.length) this.floor = sorted.slice(0, count).at(-1)?.cursor ?? null;
        return dropped.map(({ id }) => id);
    }

    /** @param {Snapshot} frame @returns {FrameChange} */
    #replaceAll(frame) {
        const fresh = frame.notifications.filter((it) => !this.notifications.has(it.id)).reverse();
        this.notifications = new Map(frame.notifications.map((it) => [it.id, it]));
        this.cursor = frame.cursor;
        this.counts = frame.counts;
        this.floor = frame.notifications.at(-1)?.cursor ?? null;
        return { fresh, changed: new Set(this.notifications.keys()), whole: true };
    }

    /** @param {Entries | CursorFrame} frame @returns {FrameChange} */
    #appendEntries(frame) {
        const change = noChange();
        for (const entry of frame.entries ?? []) {
            if (entry.entry === "mark") this.#addMark(/** @type {Mark} */ (entry), change.changed);
            else this.#addNotification(/** @type {Notification} */ (entry), change);
        }
        this.cursor = frame.cursor;
        this.counts = frame.counts ?? { ...this.counts };
        for (const [name, added] of Object.entries(frame.counts_delta ?? {}))
            this.counts[/** @type {keyof Counts} */ (name)] += added;
        return change;
    }

    /**
     * @param {Notification} it
     * @param {FrameChange} change
     */
    #addNotification(it, change) {
        const previous = this.notifications.get(it.id);
        // Below the floor lie notifications that were never loaded; one of them that changes comes
        // as an entry, but is no news.
        const newerThan = previous ? previous.cursor : this.floor;
        const isNew = !newerThan || compareCursors(it.cursor, newerThan) > 0;
        if (isNew && !it.read) change.fresh.push(it);
        this.notifications.set(it.id, it);
        change.changed.add(it.id);
    }

    /**
     * @param {Mark} mark
     * @param {Set<string>} changed
     */
    #addMark(mark, changed) {
        this.#recentMarks = [...this.#recentMarks.slice(1 - MARKS_LIMIT), mark];
        for (const it of this.#candidates(mark)) {
            const next = applyMark(it, mark);
            if (next === it) continue;
            changed.add(it.id);
            if (next) this.notifications.set(it.id, next);
            else this.notifications.delete(it.id);
        }
    }

    /**
     * Return the notifications that a mark may name; a lookup is enough for ids.
     * @param {Mark} mark
     */
    #candidates({ ids }) {
        if (!ids) return this.notifications.values();
        return ids.flatMap((id) => this.notifications.get(id) ?? []);
    }
}

/**
 * @param {Notification} a
 * @param {Notification} b
 */
export function newestFirst(a, b) {
    return compareCursors(b.cursor, a.cursor);
}

/** @returns {FrameChange} */
function noChange() {
    return { fresh: [], changed: new Set(), whole: false };
}
