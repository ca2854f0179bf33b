// Tab list: which list of notifications is shown, and how many are in it.

import { make, say } from "./dom.js";

/** @import {Tidings} from "./client.js" */
/** @import {TidingsElement} from "./element.js" */
/** @import {Counts} from "./protocol.js" */
/** @typedef {"all" | "unread" | "archived" | "snoozed"} List */

/** @type {readonly List[]} */
const LISTS = ["all", "unread", "archived", "snoozed"];
const SOON_MILLISECONDS = 300;
const PAUSE_MILLISECONDS = 2000;

export class TabList {
    #element;
    #ends;
    #list = make("div");
    /** @type {List} */ #chosen = "all";
    /** How many are in the lists that the client does not have, as far as that is known. @type {Record<string, Counts>} */ #aside = {};
    /** Whose they are. @type {string | null} */ #whose = null;
    #stale = false;
    #asking = false;
    #asked = -PAUSE_MILLISECONDS;

    /**
     * @param {TidingsElement} element whose they are
     * @param {{choose: (list: List) => void, changed: () => void}} ends `changed`: how many are in the list that is shown, and the client does not have
     */
    constructor(element, ends) {
        this.#element = element;
        this.#ends = ends;
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
        }
        const whose = this.#element.client?.user ?? null;
        if (whose !== this.#whose) [this.#whose, this.#aside] = [whose, {}];
        this.#count();
        this.#stale = true;
        this.#ask();
    }

    /** @param {List} list */
    #make(list) {
        const onclick = () => this.#ends.choose(list);
        const count = make("span", { class: "count", hidden: true });
        return make("button", { type: "button", role: "tab", "data-list": list, "aria-controls": "list", onclick }, this.#element.say(list), count);
    }

    #count() {
        const { total = 0, unread = 0 } = this.#element.client?.counts ?? {};
        const counts = { all: total, unread, archived: this.#aside.archived?.total ?? 0, snoozed: this.#aside.snoozed?.total ?? 0 };
        for (const list of LISTS) {
            const place = /** @type {HTMLElement} */ (this.#tab(list).querySelector(".count"));
            place.hidden = counts[list] === 0;
            say(place, counts[list].toLocaleString(this.#element.tongue.language));
        }
    }

    /** Ask how many are in the other lists, while somebody looks, and again if something changed meanwhile. */
    async #ask() {
        if (this.#asking) return;
        this.#asking = true;
        for (let { client } = this.#element; client && this.#stale && this.#wanted(client); { client } = this.#element) {
            const wait = Math.max(SOON_MILLISECONDS, this.#asked + PAUSE_MILLISECONDS - performance.now());
            await new Promise((resolve) => setTimeout(resolve, wait));
            [this.#stale, this.#asked] = [false, performance.now()];
            const whose = this.#whose;
            const found = await client.countsBy("list").catch(() => this.#aside); // of before, until it can be asked
            if (whose !== this.#whose) continue;
            const before = this.#aside[this.#chosen]?.total;
            this.#aside = found;
            this.#count();
            if (before !== undefined && before !== found[this.#chosen]?.total) this.#ends.changed();
        }
        this.#asking = false;
    }

    /** Whether there is somebody to ask for, and to show it to. @param {Tidings} client */
    #wanted({ state }) {
        return state === "live" && this.#list.checkVisibility() && !document.hidden;
    }

    /** Arrows move from tab to tab. @param {KeyboardEvent} event */
    #turn(event) {
        const onward = getComputedStyle(this.#element).direction === "rtl" ? -1 : 1;
        const by = { ArrowLeft: -onward, ArrowRight: onward }[event.key];
        if (!by) return;
        this.#ends.choose(LISTS[(LISTS.indexOf(this.#chosen) + by + LISTS.length) % LISTS.length]);
        this.chosen.focus();
        event.preventDefault();
        event.stopPropagation();
    }

    /** @param {List} list */
    #tab(list) {
        return /** @type {HTMLElement} */ (this.#list.querySelector(`[data-list="${list}"]`));
    }
}
