// Filter tabs: which list of notifications is shown, and how many are in each.

import { createNode, setText } from "../dom.js";

/** @import {Tidings} from "../../client.js" */
/** @import {Counts} from "../../client/protocol.js" */
/** @import {TidingsElement} from "../element.js" */
/** @typedef {"all" | "unread" | "archived" | "snoozed"} ListName */

/**
 * `onChange`: what the shown list has, and the client does not, has changed elsewhere.
 * @typedef {{onChoose: (list: ListName) => void, onChange: () => void}} TabHandlers
 */

/** @type {readonly ListName[]} */
const LISTS = ["all", "unread", "archived", "snoozed"];
const DELAY_MILLISECONDS = 300;
const PAUSE_MILLISECONDS = 2000;

export class FilterTabs {
    #element;
    #handlers;
    #tabList = createNode("div");
    /** @type {ListName} */ #chosen = "all";
    /** Counts of the lists that the client does not hold. @type {Record<string, Counts>} */
    #edgeCounts = {};
    /** Whose counts they are. @type {string | null} */ #user = null;
    #isOutdated = false;
    #isAsking = false;
    #askedAt = -PAUSE_MILLISECONDS;

    /**
     * @param {TidingsElement} element
     * @param {TabHandlers} handlers
     */
    constructor(element, handlers) {
        this.#element = element;
        this.#handlers = handlers;
    }

    /** The tab of the list that is shown. */
    get chosenTab() {
        return this.#tabOf(this.#chosen);
    }

    /** Create the tabs; again when the language changes. */
    createTabList() {
        const label = this.#element.text("title");
        const onkeydown = (/** @type {KeyboardEvent} */ event) => this.#handleKey(event);
        const attributes = { class: "tabs", role: "tablist", "aria-label": label, onkeydown };
        const tabs = LISTS.map((list) => this.#createTab(list));
        this.#tabList = createNode("div", attributes, ...tabs);
        return this.#tabList;
    }

    /** @param {ListName} chosen */
    render(chosen) {
        this.#chosen = chosen;
        for (const list of LISTS) {
            const tab = this.#tabOf(list);
            tab.setAttribute("aria-selected", String(list === chosen));
            tab.tabIndex = list === chosen ? 0 : -1;
        }
        const user = this.#element.client?.user ?? null;
        if (user !== this.#user) [this.#user, this.#edgeCounts] = [user, {}];
        this.#renderCounts();
        this.#isOutdated = true;
        this.#updateEdgeCounts();
    }

    /** @param {ListName} list */
    #createTab(list) {
        const attributes = {
            ...{ type: "button", role: "tab", "data-list": list, "aria-controls": "list" },
            onclick: () => this.#handlers.onChoose(list),
        };
        const count = createNode("span", { class: "count", hidden: true });
        return createNode("button", attributes, this.#element.text(list), count);
    }

    #renderCounts() {
        const { total = 0, unread = 0 } = this.#element.client?.counts ?? {};
        const { archived, snoozed } = this.#edgeCounts;
        const counts = { all: total, unread };
        const edge = { archived: archived?.total ?? 0, snoozed: snoozed?.total ?? 0 };
        for (const [list, count] of Object.entries({ ...counts, ...edge })) {
            const place = this.#tabOf(/** @type {ListName} */ (list)).querySelector(".count");
            const span = /** @type {HTMLElement} */ (place);
            span.hidden = count === 0;
            setText(span, count.toLocaleString(this.#element.messages.language));
        }
    }

    /**
     * Ask for the counts, while the tabs are in sight, and again if something changed meanwhile.
     */
    async #updateEdgeCounts() {
        if (this.#isAsking) return;
        this.#isAsking = true;
        let { client } = this.#element;
        while (client && this.#isOutdated && this.#isInSight(client)) {
            await this.#pauseBetweenRequests();
            [this.#isOutdated, this.#askedAt] = [false, performance.now()];
            await this.#fetchEdgeCounts(client);
            client = this.#element.client;
        }
        this.#isAsking = false;
    }

    #pauseBetweenRequests() {
        const elapsed = performance.now() - this.#askedAt;
        const milliseconds = Math.max(DELAY_MILLISECONDS, PAUSE_MILLISECONDS - elapsed);
        return new Promise((resolve) => setTimeout(resolve, milliseconds));
    }

    /** @param {Tidings} client */
    async #fetchEdgeCounts(client) {
        const user = this.#user;
        const counts = await client.countsBy("list").catch(() => this.#edgeCounts);
        if (user !== this.#user) return; // another user signed in meanwhile
        const before = this.#edgeCounts[this.#chosen]?.total;
        this.#edgeCounts = counts;
        this.#renderCounts();
        const hasChanged = before !== counts[this.#chosen]?.total;
        if (before !== undefined && hasChanged) this.#handlers.onChange();
    }

    /** @param {Tidings} client */
    #isInSight({ state }) {
        return state === "live" && this.#tabList.checkVisibility() && !document.hidden;
    }

    /**
     * Arrows move from tab to tab; in a right-to-left page, the left one moves on.
     * @param {KeyboardEvent} event
     */
    #handleKey(event) {
        const onward = getComputedStyle(this.#element).direction === "rtl" ? -1 : 1;
        const by = { ArrowLeft: -onward, ArrowRight: onward }[event.key];
        if (!by) return;
        const index = LISTS.indexOf(this.#chosen) + by + LISTS.length;
        this.#handlers.onChoose(LISTS[index % LISTS.length]);
        this.chosenTab.focus();
        event.preventDefault();
        event.stopPropagation();
    }

    /** @param {ListName} list */
    #tabOf(list) {
        const tab = this.#tabList.querySelector(`[data-list="${list}"]`);
        return /** @type {HTMLElement} */ (tab);
    }
}
