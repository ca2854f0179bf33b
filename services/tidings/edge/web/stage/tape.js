// Tape: the log between the two, with what was written to it last, and a wire to each of them that lights up when they are told.

import { lasting, named } from "./words.js";

/** @import {Happened} from "./programme.js" */

const LINES_LIMIT = 5;
const STILL = matchMedia("(prefers-reduced-motion: reduce)");
const RUN = [{ insetInlineStart: "0%", opacity: 1 }, { insetInlineStart: "100%", opacity: 1, offset: 0.7 }, { insetInlineStart: "100%", opacity: 0 }];

export class Tape {
    #place;
    #pressed = 0;

    /** @param {HTMLElement} place */
    constructor(place) {
        this.#place = place;
    }

    /** Something is about to happen. */
    press() {
        this.#pressed = performance.now();
        for (const output of this.#place.querySelectorAll("output")) output.textContent = "";
    }

    /** What has been written to the log. @param {Happened[]} events */
    write(events) {
        const list = /** @type {HTMLElement} */ (this.#place.querySelector("ol"));
        list.append(...events.map(line));
        while (list.children.length > LINES_LIMIT) list.firstElementChild?.remove();
    }

    /** Forget what was written. */
    clear() {
        this.#place.querySelector("ol")?.replaceChildren();
        for (const output of this.#place.querySelectorAll("output")) output.textContent = "";
    }

    /** Somebody is told of what was just written. @param {string} side */
    tell(side) {
        const wire = /** @type {HTMLElement} */ (this.#place.querySelector(`.wire[data-side="${side}"]`));
        const pulse = /** @type {HTMLElement} */ (wire.querySelector("i"));
        const output = /** @type {HTMLElement} */ (wire.querySelector("output"));
        output.textContent ||= lasting(performance.now() - this.#pressed);
        for (const each of pulse.getAnimations()) each.cancel();
        pulse.animate(STILL.matches ? [{ opacity: 1 }, { opacity: 0 }] : RUN, 900);
    }

    /** The wire to somebody is whole, or cut. @param {string} side @param {boolean} cut */
    cut(side, cut) {
        const wire = /** @type {HTMLElement} */ (this.#place.querySelector(`.wire[data-side="${side}"]`));
        wire.dataset.cut = String(cut);
    }
}

/** @param {Happened} event */
function line({ type, actor, sequence }) {
    const item = document.createElement("li");
    const [number, name, by] = ["b", "code", "span"].map((tag) => document.createElement(tag));
    number.textContent = `#${sequence}`;
    name.textContent = type;
    by.textContent = actor ? named(actor) : "";
    item.append(number, name, by);
    return item;
}
