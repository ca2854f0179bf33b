// Beads: a person's log as a string of beads, full where it has reached them, hollow where it has not.

import { compare } from "../fold.js";

/** @import {Tidings} from "../client.js" */

const SHOWN_LIMIT = 28;

/**
 * How many of somebody's log (`whole`) their own connection has not brought; what is gathered in one row counts as often as it says.
 * @param {Tidings} whole
 * @param {Tidings} own
 */
export function missed(whole, own) {
    const known = new Map(own.notifications.map((it) => [it.id, it.count ?? 1]));
    const { cursor } = own;
    const late = whole.notifications.filter((it) => cursor && compare(it.cursor, cursor) > 0);
    return late.reduce((sum, it) => sum + (it.count ?? 1) - (known.get(it.id) ?? 0), 0);
}

/**
 * Draw somebody's log as it stands (`whole`), as far as their own connection has brought it.
 * @param {HTMLElement} place
 * @param {string} name
 * @param {Tidings} whole
 * @param {Tidings} own
 */
export function beads(place, name, whole, own) {
    const log = (whole.cursor ? whole : own).notifications.slice(0, SHOWN_LIMIT).reverse();
    const reached = own.cursor;
    const held = log.filter((it) => reached && compare(it.cursor, reached) <= 0).length;
    const known = new Map([...place.children].map((bead) => [/** @type {HTMLElement} */ (bead).dataset.id, bead]));
    let late = 0;
    const drawn = log.map((it, at) => {
        const bead = /** @type {HTMLElement} */ (known.get(it.id) ?? Object.assign(document.createElement("i"), { title: it.title }));
        const was = bead.dataset.held;
        bead.dataset.id = it.id;
        bead.dataset.held = String(at < held);
        if (was === "false" && at < held) bead.style.setProperty("--at", String(late++));
        return bead;
    });
    place.replaceChildren(...drawn);
    place.setAttribute("aria-label", `${name}'s log: ${held} of the last ${log.length} entries are here`);
}
