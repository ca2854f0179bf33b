// Row: one notification in a list, with all that can be done to it; it changes in place as the notification does.

import { address, make, say } from "./dom.js";
import { ago, moment } from "./format.js";
import { icon, iconOf } from "./icons.js";

/** @import {Notification} from "./protocol.js" */
/** @import {Inbox} from "./inbox.js" */

const BUTTONS = "button, a, input";
const MARKED = /** @type {const} */ (["critical", "high"]);

export class Row {
    /** @type {Notification} */ #shown;
    #inbox;
    #time = make("time");
    #picked = make("span", { class: "mark", hidden: true });
    element;

    /**
     * @param {Notification} it
     * @param {Inbox} inbox
     */
    constructor(it, inbox) {
        this.#inbox = inbox;
        this.#picked.textContent = inbox.say("picked");
        this.#shown = it;
        this.element = make("article", { tabindex: "-1", "data-id": it.id, part: "row", "aria-labelledby": `name-${it.id}`, "aria-describedby": `words-${it.id}` });
        this.element.addEventListener("click", (event) => this.#clicked(event));
        this.#fill(it);
    }

    get notification() {
        return this.#shown;
    }

    /** @param {Notification} it */
    show(it) {
        if (it === this.#shown) return;
        const within = /** @type {HTMLElement | null} */ (this.element.querySelector(":focus"))?.dataset.tool;
        this.#shown = it;
        this.#fill(it);
        if (within) (/** @type {HTMLElement | null} */ (this.element.querySelector(`[data-tool="${within}"]`)) ?? this.element).focus();
    }

    /** Show whether it is one of those that a key will be for. @param {boolean} picked */
    pick(picked) {
        this.element.classList.toggle("picked", picked);
        this.#picked.hidden = !picked;
    }

    /** A click on it opens it, but for one on what is in it, or one that ends the selecting of its text. @param {Event} event */
    #clicked(event) {
        const within = /** @type {Element} */ (event.target).closest(BUTTONS);
        if (!within && getSelection()?.type !== "Range") this.#inbox.open(this.#shown);
    }

    /** Show how long ago it was by now. */
    tick() {
        const { tongue, client } = this.#inbox;
        say(this.#time, ago(this.#shown.created, client?.now ?? Date.now(), tongue.language));
    }

    /** @param {Notification} it */
    #fill(it) {
        this.element.className = `${it.level ?? "info"}${it.read ? "" : " unread"}`;
        this.element.replaceChildren(this.#sign(it), this.#first(it), ...this.#words(it), ...this.#buttons(it), this.#meta(it));
        this.pick(this.#inbox.picks(it.id));
        this.tick();
    }

    /** @param {Notification} it */
    #sign(it) {
        return make("div", { class: "sign", part: "sign" }, iconOf(it));
    }

    /** @param {Notification} it */
    #first(it) {
        const href = address(it.entity?.url);
        const title = it.title || it.message;
        const name = href ? make("a", { href, tabindex: "-1", onclick: (/** @type {MouseEvent} */ event) => this.#inbox.open(it, event) }, title) : title;
        const dot = it.read ? null : make("span", { class: "dot", part: "dot" }, make("span", { class: "unseen" }, this.#inbox.say("isUnread")));
        return make("div", { class: "first" }, make("h3", { class: "name", id: `name-${it.id}`, part: "title", dir: "auto" }, name), dot);
    }

    /** @param {Notification} it */
    #words(it) {
        return it.title && it.message ? [make("p", { class: "words", id: `words-${it.id}`, part: "message", dir: "auto" }, it.message)] : [];
    }

    /** @param {Notification} it */
    #meta(it) {
        const { tongue } = this.#inbox;
        this.#time = make("time", { datetime: it.created, title: moment(it.created, tongue.language) });
        const marked = MARKED.find((each) => each === it.priority);
        const facts = [
            this.#picked,
            marked && make("span", { class: "mark" }, this.#inbox.say(marked)),
            this.#time,
            (it.count ?? 1) > 1 && make("span", {}, this.#inbox.say("events", { count: it.count ?? 1 })),
            it.actors?.length && make("span", {}, this.#people(it)),
            it.snoozed && Date.parse(it.snoozed) > (this.#inbox.client?.now ?? 0) && make("span", {}, this.#inbox.say("until", { time: moment(it.snoozed, tongue.language) })),
        ];
        return make("div", { class: "meta" }, make("div", { class: "facts" }, ...facts.map((each) => each || null)), this.#tools(it));
    }

    /** @param {Notification} it */
    #people({ actors = [], count = 1 }) {
        const names = new Intl.ListFormat(this.#inbox.tongue.language, { type: "unit" }).format(actors);
        const more = actors.length >= 3 ? count - actors.length : 0;
        return more > 0 ? this.#inbox.say("people", { names, count: more }) : names;
    }

    /** @param {Notification} it */
    #tools(it) {
        const { list } = this.#inbox;
        const snoozed = list === "snoozed";
        const back = list === "archived";
        return make("div", { class: "tools" },
            snoozed ? this.#tool("unsnooze", "clock", () => this.#inbox.mark("unsnoozed", it)) : this.#tool("snooze", "clock", (button) => this.#inbox.snooze(it, button), true),
            back ? this.#tool("unarchive", "unarchive", () => this.#inbox.mark("unarchived", it)) : this.#tool("archive", "archive", () => this.#inbox.mark("archived", it)),
            this.#tool("moreActions", "more", (button) => this.#inbox.options(it, button), true),
        );
    }

    /**
     * @param {import("./words.js").Name} name
     * @param {string} picture
     * @param {(button: HTMLElement) => void} work
     * @param {boolean} [opens]
     */
    #tool(name, picture, work, opens = false) {
        const words = this.#inbox.say(name);
        const onclick = (/** @type {Event} */ event) => work(/** @type {HTMLElement} */ (event.currentTarget));
        return make("button", { class: "tool", type: "button", title: words, "aria-label": words, "data-tool": picture, "data-of": this.#shown.id, "aria-haspopup": opens && "menu", onclick }, icon(picture));
    }

    /** @param {Notification} it */
    #buttons(it) {
        if (!it.actions?.length) return [];
        const taken = it.actions.find(({ name }) => name === it.acted);
        if (taken) return [make("div", { class: "actions" }, make("span", { class: "done" }, icon("check"), this.#inbox.say("acted", { label: taken.label })))];
        const buttons = it.actions.map(({ name, label }, place) =>
            make("button", { type: "button", class: place ? "plain" : "primary", part: "action", "data-tool": name, onclick: () => this.#inbox.press(it, name, this.element) }, label),
        );
        return [make("div", { class: "actions" }, ...buttons)];
    }
}
