// Tab list: which list of notifications is shown, and how many are in it.

import { make, say } from "./dom.js";

/** @import {TidingsElement} from "./element.js" */
/** @typedef {"all" | "unread" | "archived" | "snoozed"} List */

/** @type {readonly List[]} */
const LISTS = ["all", "unread", "archived", "snoozed"];
/** @type {Partial<Record<List, "total" | "unread">>} */
const COUNTED = { all: "total", unread: "unread" };

export class TabList {
    #element;
    #choose;
    #list = make("div");
    /** @type {List} */ #chosen = "all";

    /** @param {TidingsElement} element whose they are @param {(list: List) => void} choose */
    constructor(element, choose) {
        this.#element = element;
        this.#choose = choose;
    }

    /** The tab of the list that is shown. */
    get chosen() {
        return this.#tab(this.#chosen);
    }

    build() {
        const onkeydown = (/** @type {KeyboardEvent} */ event) => this.#turn(event);
        this.#list = make("div", { class: "tabs", role: "tablist", "aria-label": this.#element.say("title"), onkeydown });
        this.#list.append(...LISTS.map((list) => this.#make(list)));
        return this.#list;
    }

    /** @param {List} chosen */
    draw(chosen) {
        this.#chosen = chosen;
        for (const list of LISTS) {
            const tab = this.#tab(list);
            tab.setAttribute("aria-selected", String(list === chosen));
            tab.tabIndex = list === chosen ? 0 : -1;
            this.#count(list, tab.querySelector(".count"));
        }
    }

    /** @param {List} list */
    #make(list) {
        const count = COUNTED[list] ? make("span", { class: "count", hidden: true }) : null;
        const onclick = () => this.#choose(list);
        return make("button", { type: "button", role: "tab", "data-list": list, "aria-controls": "list", onclick }, this.#element.say(list), count);
    }

    /** @param {List} list @param {HTMLElement | null} place */
    #count(list, place) {
        const counted = COUNTED[list];
        if (!counted || !place) return;
        const count = this.#element.client?.counts[counted] ?? 0;
        place.hidden = count === 0;
        say(place, count.toLocaleString(this.#element.tongue.language));
    }

    /** Arrows move from tab to tab. @param {KeyboardEvent} event */
    #turn(event) {
        const onward = getComputedStyle(this.#element).direction === "rtl" ? -1 : 1;
        const by = { ArrowLeft: -onward, ArrowRight: onward }[event.key];
        if (!by) return;
        this.#choose(LISTS[(LISTS.indexOf(this.#chosen) + by + LISTS.length) % LISTS.length]);
        this.chosen.focus();
        event.preventDefault();
        event.stopPropagation();
    }

    /** @param {List} list */
    #tab(list) {
        return /** @type {HTMLElement} */ (this.#list.querySelector(`[data-list="${list}"]`));
    }
}
