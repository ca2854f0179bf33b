// Beads: a person's log as a string of beads, full where their connection has brought the entry.

import { compareCursors } from "../client/cursors.js";

/** @import {Tidings} from "../client.js" */
/** @import {Cursor, Notification} from "../client/protocol.js" */

const BEADS_LIMIT = 28;

/**
 * Count how many entries of a person's log their own connection has not brought. A row that gathers
 * several events counts as many.
 * @param {Tidings} observer a client that has the whole log
 * @param {Tidings} own
 */
export function missedCount(observer, own) {
    const known = new Map(own.notifications.map(({ id, count = 1 }) => [id, count]));
    const { cursor } = own;
    const late = observer.notifications.filter((it) => cursor && !isReached(it, cursor));
    return late.reduce((sum, { id, count = 1 }) => sum + count - (known.get(id) ?? 0), 0);
}

/**
 * Render the newest entries of a person's log.
 * @param {HTMLElement} place
 * @param {string} name
 * @param {Tidings} observer a client that has the whole log
 * @param {Tidings} own
 */
export function renderBeads(place, name, observer, own) {
    const log = observer.cursor ? observer : own;
    const entries = log.notifications.slice(0, BEADS_LIMIT).reverse();
    const isHeld = (/** @type {Notification} */ it) => isReached(it, own.cursor);
    const known = new Map(
        [...place.children].map((bead) => {
            const element = /** @type {HTMLElement} */ (bead);
            return [element.dataset.id, element];
        }),
    );
    let filled = 0;
    const beads = entries.map((it) => {
        const bead = known.get(it.id) ?? createBead(it);
        // Beads that fill up together do so one after the other.
        const fillsUp = bead.dataset.held === "false" && isHeld(it);
        if (fillsUp) bead.style.setProperty("--at", String(filled++));
        bead.dataset.held = String(isHeld(it));
        return bead;
    });
    place.replaceChildren(...beads);
    const held = entries.filter(isHeld).length;
    const label = `${name}'s log: ${held} of the last ${entries.length} entries are here`;
    place.setAttribute("aria-label", label);
}

/** @param {Notification} notification @param {Cursor | null} cursor */
function isReached(notification, cursor) {
    return Boolean(cursor && compareCursors(notification.cursor, cursor) <= 0);
}

/** @param {Notification} notification */
function createBead({ id, title }) {
    const bead = document.createElement("i");
    bead.title = title;
    bead.dataset.id = id;
    return bead;
}
