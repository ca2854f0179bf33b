// Fold: a person's notifications as their log has told them so far, and what each entry, or a mark not confirmed yet, makes of them.

/** @import {Counts, Cursor, Entries, Filter, Frame, Mark, Notification, Operation, Snapshot} from "./protocol.js" */

const MARKS_LIMIT = 200;
/** @type {Counts} */
const NONE = { unread: 0, unseen: 0, total: 0 };

/**
 * Which of two cursors of one log lies further on: below zero if the second does.
 * @param {Cursor} a
 * @param {Cursor} b
 */
export function compare(a, b) {
    const [first, second] = [sequence(a), sequence(b)];
    return first.length - second.length || (first < second ? -1 : first > second ? 1 : 0);
}

/**
 * Whether what ends at a cursor is nothing new to whoever stands at another one: it lies before it, or in the middle of a replay up to there.
 * @param {Cursor} cursor
 * @param {Cursor | null} own
 */
export function behind(cursor, own) {
    if (!own || own.includes(".") || cursor.split("-")[0] !== own.split("-")[0]) return false;
    return cursor.includes(".") || compare(cursor, own) < 0;
}

/** @param {Cursor} cursor */
function sequence(cursor) {
    return cursor.slice(cursor.indexOf("-") + 1).split(".")[0];
}

/**
 * Whether a mark is about a notification.
 * @param {Mark | Operation} mark
 * @param {Notification} it
 */
export function concerns(mark, it) {
    if (mark.filter) return fits(mark.filter, it);
    return mark.up_to ? compare(it.cursor, mark.up_to) <= 0 : Boolean(mark.ids?.includes(it.id));
}

/**
 * @param {Filter} filter
 * @param {Notification} it
 */
function fits({ category, type, entity, group, unread }, it) {
    const named = it.entity && `${it.entity.type}:${it.entity.id}`;
    const pairs = [[category, it.category], [type, it.type], [entity, named], [group, it.group]];
    return pairs.every(([wanted, found]) => wanted === undefined || wanted === found) && !(unread && it.read);
}

/**
 * What a mark makes of a notification; null if that is the end of it.
 * @param {Notification} it
 * @param {Mark | Operation} mark
 * @returns {Notification | null}
 */
export function marked(it, mark) {
    const { state, at } = mark;
    switch (state) {
        case "read":
            return { ...it, seen: it.seen ?? at, read: it.read ?? at };
        case "unread":
            return { ...it, read: undefined };
        case "seen":
            return { ...it, seen: it.seen ?? at };
        case "archived":
            return { ...it, archived: it.archived ?? at, snoozed: undefined };
        case "unarchived":
            return { ...it, archived: undefined };
        case "snoozed":
            return { ...it, archived: undefined, snoozed: mark.until };
        case "unsnoozed":
            return { ...it, snoozed: undefined };
        case "acted":
            return { ...it, acted: it.acted ?? /** @type {Mark} */ (mark).action };
        case "deleted":
            return null;
        default:
            return it; // a state of times to come
    }
}

/**
 * Whether a notification is in the list at a moment, in milliseconds since 1970.
 * @param {Notification | null} it
 * @param {number} now
 */
export function listed(it, now) {
    if (!it || it.archived || (it.expires && Date.parse(it.expires) <= now)) return false;
    return !it.snoozed || Date.parse(it.snoozed) <= now;
}

/** A person's notifications at a cursor; `floor` is the oldest from which on all are here, null while none need be. */
export class Fold {
    /** @type {Cursor | null} */ cursor = null;
    /** @type {Counts} */ counts = NONE;
    /** @type {Cursor | null} */ floor = null;
    /** @type {Map<string, Notification>} */ notifications = new Map();
    /** @type {Mark[]} */ #marks = [];

    /**
     * One that stands as another did.
     * @param {{cursor: Cursor | null, counts: Counts, floor: Cursor | null, notifications: Notification[]}} standing
     */
    static of({ cursor, counts, floor, notifications }) {
        const fold = new Fold();
        return Object.assign(fold, { cursor, counts, floor, notifications: new Map(notifications.map((it) => [it.id, it])) });
    }

    /**
     * Take the next frame on: which notifications are new, and the ids of all that changed (`whole`: all others are gone).
     * Null if the frame does not follow: then something was missed.
     * @param {Frame} frame
     * @returns {{fresh: Notification[], changed: Set<string>, whole: boolean} | null}
     */
    take(frame) {
        switch (frame.type) {
            case "snapshot":
                return this.#replace(frame);
            case "entries":
                return frame.after === this.cursor ? this.#extend(frame) : null;
            case "heartbeat":
            case "live":
                return frame.cursor === this.cursor ? unchanged() : null;
            case "reset":
                this.cursor = null;
        }
        return unchanged();
    }

    /**
     * Take on a page of older ones as they stood at a cursor.
     * @param {Notification[]} page
     * @param {Cursor} at
     */
    older(page, at) {
        const since = this.#marks.filter((mark) => mark.cursor && compare(mark.cursor, at) > 0);
        for (const it of page) {
            if (this.notifications.has(it.id)) continue;
            const stands = standing(it, since);
            if (stands) this.notifications.set(it.id, stands);
        }
    }

    /**
     * Keep only the newest, so many of them; the ids of those left out.
     * @param {number} count
     */
    trim(count) {
        const oldest = [...this.notifications.values()].sort(newestFirst).slice(count);
        for (const it of oldest) this.notifications.delete(it.id);
        if (oldest.length) this.floor = [...this.notifications.values()].sort(newestFirst).at(-1)?.cursor ?? null;
        return oldest.map((it) => it.id);
    }

    /** @param {Snapshot} frame */
    #replace(frame) {
        const fresh = frame.notifications.filter((it) => !this.notifications.has(it.id));
        this.notifications = new Map(frame.notifications.map((it) => [it.id, it]));
        this.cursor = frame.cursor;
        this.counts = frame.counts;
        this.floor = frame.notifications.at(-1)?.cursor ?? null;
        return { fresh: fresh.reverse(), changed: new Set(this.notifications.keys()), whole: true };
    }

    /** @param {Entries} frame */
    #extend(frame) {
        /** @type {{fresh: Notification[], changed: Set<string>, whole: boolean}} */
        const told = { ...unchanged(), changed: new Set() };
        for (const entry of frame.entries) {
            if (entry.entry === "mark") this.#mark(/** @type {Mark} */ (entry), told.changed);
            else this.#tell(/** @type {Notification} */ (entry), told);
        }
        this.cursor = frame.cursor;
        this.counts = frame.counts ?? this.counts;
        return told;
    }

    /**
     * @param {Notification} it
     * @param {{fresh: Notification[], changed: Set<string>}} told
     */
    #tell(it, told) {
        const known = this.notifications.get(it.id);
        const since = known ? compare(it.cursor, known.cursor) > 0 : !this.floor || compare(it.cursor, this.floor) > 0;
        if (since && !it.read) told.fresh.push(it);
        this.notifications.set(it.id, it);
        told.changed.add(it.id);
    }

    /**
     * @param {Mark} mark
     * @param {Set<string>} changed
     */
    #mark(mark, changed) {
        this.#marks = [...this.#marks.slice(1 - MARKS_LIMIT), mark];
        const named = mark.ids ? mark.ids.flatMap((id) => this.notifications.get(id) ?? []) : this.notifications.values();
        for (const it of named) {
            const stands = apply(it, mark);
            if (stands === it) continue;
            changed.add(it.id);
            if (stands) this.notifications.set(it.id, stands);
            else this.notifications.delete(it.id);
        }
    }
}

/**
 * What marks make of a notification, one after the other; null if it is gone.
 * @param {Notification} it
 * @param {(Mark | Operation)[]} marks
 * @returns {Notification | null}
 */
export function standing(it, marks) {
    return marks.reduce((/** @type {Notification | null} */ found, mark) => found && apply(found, mark), it);
}

/**
 * What is shown, newest first, and how many there are, with the operations on top that the log has not confirmed yet.
 * @param {Fold} fold
 * @param {Operation[]} operations
 * @param {number} now milliseconds since 1970
 * @returns {{notifications: Notification[], counts: Counts, complete: boolean}}
 */
export function view(fold, operations, now) {
    const counts = { ...fold.counts };
    const notifications = [];
    let known = 0;
    for (const it of fold.notifications.values()) {
        const stands = standing(it, operations);
        const was = listed(it, now);
        const is = listed(stands, now);
        if (was) known += 1;
        if (stands && is) notifications.push(stands);
        if (stands === it) continue;
        counts.total += Number(is) - Number(was);
        counts.unread += Number(is && !stands?.read) - Number(was && !it.read);
        counts.unseen += Number(is && !stands?.seen) - Number(was && !it.seen);
    }
    for (const each of operations) if (each.up_to) swept(counts, each, notifications);
    return { notifications: notifications.sort(newestFirst), counts: floored(counts), complete: known >= fold.counts.total };
}

/**
 * A watermark reaches those too that are not here: of what it took away, no more is left than what is.
 * @param {Counts} counts
 * @param {Operation} operation
 * @param {Notification[]} shown
 */
function swept(counts, operation, shown) {
    const gone = operation.state === "archived" || operation.state === "deleted";
    if (gone) counts.total = shown.length;
    if (gone || operation.state === "read") counts.unread = shown.filter((it) => !it.read).length;
    if (gone || operation.state === "read" || operation.state === "seen") counts.unseen = shown.filter((it) => !it.seen).length;
}

/** @param {Counts} counts */
function floored({ unread, unseen, total }) {
    return { unread: Math.max(0, unread), unseen: Math.max(0, unseen), total: Math.max(0, total) };
}

/**
 * @param {Notification} it
 * @param {Mark | Operation} mark
 */
function apply(it, mark) {
    return concerns(mark, it) ? marked(it, mark) : it;
}

/**
 * @param {Notification} a
 * @param {Notification} b
 */
function newestFirst(a, b) {
    return compare(b.cursor, a.cursor);
}

/** @returns {{fresh: Notification[], changed: Set<string>, whole: boolean}} */
function unchanged() {
    return { fresh: [], changed: new Set(), whole: false };
}
