// Row: one notification in a list, with all that can be done to it.

import { createNode, foreignHost, pageAddress, setText } from "../dom.js";
import { dateAndTime, relativeTime } from "../format.js";
import { createIcon, iconFor } from "../icons.js";

/** @import {Notification} from "../../client/protocol.js" */
/** @import {MessageName} from "../messages.js" */
/** @import {Inbox} from "./inbox.js" */

const CONTROLS = "button, a, input";
const LABELLED_PRIORITIES = /** @type {const} */ (["critical", "high"]);
const ACTORS_LIMIT = 3;

export class Row {
    /** @type {Notification} */ #notification;
    #inbox;
    #time = createNode("time");
    #selectedLabel = createNode("span", { class: "mark", hidden: true });
    element;

    /**
     * @param {Notification} notification
     * @param {Inbox} inbox
     */
    constructor(notification, inbox) {
        const { id } = notification;
        this.#inbox = inbox;
        this.#selectedLabel.textContent = inbox.text("picked");
        this.#notification = notification;
        this.element = createNode("article", {
            ...{ tabindex: "-1", "data-id": id, part: "row" },
            ...{ "aria-labelledby": `name-${id}`, "aria-describedby": `message-${id}` },
        });
        this.element.addEventListener("click", (event) => this.#handleClick(event));
        this.#fill(notification);
    }

    get notification() {
        return this.#notification;
    }

    /**
     * Show what became of the notification; the focus stays where it is.
     * @param {Notification} it
     */
    update(it) {
        if (it === this.#notification) return;
        const tool = this.#find(":focus")?.dataset.tool;
        this.#notification = it;
        this.#fill(it);
        if (tool) (this.#find(`[data-tool="${tool}"]`) ?? this.element).focus();
    }

    /** Show whether the next key is for this row, too. @param {boolean} isSelected */
    setSelected(isSelected) {
        this.element.classList.toggle("picked", isSelected);
        this.#selectedLabel.hidden = !isSelected;
    }

    /** Show how long ago it was. */
    updateTime() {
        const { messages, now } = this.#inbox;
        setText(this.#time, relativeTime(this.#notification.created, now, messages.language));
    }

    /** @param {string} selector */
    #find(selector) {
        return /** @type {HTMLElement | null} */ (this.element.querySelector(selector));
    }

    /** @param {Event} event */
    #handleClick(event) {
        const control = /** @type {Element} */ (event.target).closest(CONTROLS);
        const endsTextSelection = getSelection()?.type === "Range";
        if (!control && !endsTextSelection) this.#inbox.openNotification(this.#notification);
    }

    /** @param {Notification} it */
    #fill(it) {
        this.element.className = `${it.level ?? "info"}${it.read ? "" : " unread"}`;
        this.element.replaceChildren(
            createNode("div", { class: "sign", part: "sign" }, iconFor(it)),
            this.#createTitle(it),
            ...this.#createMessage(it),
            ...this.#createActions(it),
            this.#createFooter(it),
        );
        this.setSelected(this.#inbox.actions.isSelected(it.id));
        this.updateTime();
    }

    /** @param {Notification} it */
    #createTitle(it) {
        const href = pageAddress(it.entity?.url);
        const title = it.title || it.message;
        const onclick = (/** @type {MouseEvent} */ event) =>
            this.#inbox.openNotification(it, event);
        const name = href ? createNode("a", { href, tabindex: "-1", onclick }, title) : title;
        const attributes = { class: "name", id: `name-${it.id}`, part: "title", dir: "auto" };
        const heading = createNode("h3", attributes, name);
        return createNode("div", { class: "first" }, heading, it.read ? null : this.#createDot());
    }

    #createDot() {
        const label = this.#inbox.text("isUnread");
        const text = createNode("span", { class: "visually-hidden" }, label);
        return createNode("span", { class: "dot", part: "dot" }, text);
    }

    /** @param {Notification} it */
    #createMessage({ id, title, message }) {
        if (!title || !message) return [];
        const attributes = { class: "message", id: `message-${id}`, part: "message", dir: "auto" };
        return [createNode("p", attributes, message)];
    }

    /** @param {Notification} it */
    #createFooter(it) {
        const { messages, now } = this.#inbox;
        const title = dateAndTime(it.created, now, messages.language);
        this.#time = createNode("time", { datetime: it.created, title });
        const priority = LABELLED_PRIORITIES.find((labelled) => labelled === it.priority);
        const label = priority && this.#inbox.text(priority);
        const facts = createNode(
            "div",
            { class: "facts" },
            this.#selectedLabel,
            label && createNode("span", { class: "mark" }, label),
            this.#time,
            ...this.#extraFacts(it).map((fact) => createNode("span", {}, fact)),
        );
        return createNode("div", { class: "meta" }, facts, this.#createTools(it));
    }

    /**
     * Return what else is known: how many events, of whom, where its link leads if that is another
     * site, and until when it is snoozed.
     * @param {Notification} it
     */
    #extraFacts(it) {
        const { messages, now } = this.#inbox;
        const facts = [];
        const { count = 1, snoozed } = it;
        if (count > 1) facts.push(this.#inbox.text("events", { count }));
        if (it.actors?.length) facts.push(this.#actorNames(it));
        const host = foreignHost(it.entity?.url);
        if (host) facts.push(host);
        if (snoozed && Date.parse(snoozed) > now) {
            const time = dateAndTime(snoozed, now, messages.language);
            facts.push(this.#inbox.text("until", { time }));
        }
        return facts;
    }

    /** @param {Notification} it */
    #actorNames({ actors = [], count = 1 }) {
        const list = new Intl.ListFormat(this.#inbox.messages.language, { type: "unit" });
        const names = list.format(actors);
        const isCut = actors.length >= ACTORS_LIMIT;
        const others = isCut ? count - actors.length : 0;
        return others > 0 ? this.#inbox.text("people", { names, count: others }) : names;
    }

    /** @param {Notification} it */
    #createTools(it) {
        const inbox = this.#inbox;
        const isSnoozed = inbox.list === "snoozed";
        const isArchived = inbox.list === "archived";
        const snooze = isSnoozed
            ? this.#createTool("unsnooze", "clock", () => inbox.actions.mark("unsnoozed", it))
            : this.#createTool("snooze", "clock", (tool) => inbox.openSnoozeMenu(it, tool), true);
        const archive = isArchived
            ? this.#createTool("unarchive", "unarchive", () => inbox.actions.mark("unarchived", it))
            : this.#createTool("archive", "archive", () => inbox.actions.mark("archived", it));
        const openOptions = (/** @type {HTMLElement} */ tool) => inbox.openOptionsMenu(it, tool);
        const options = this.#createTool("moreActions", "more", openOptions, true);
        return createNode("div", { class: "tools" }, snooze, archive, options);
    }

    /**
     * @param {MessageName} name
     * @param {string} icon
     * @param {(button: HTMLElement) => void} work
     * @param {boolean} [opensMenu]
     */
    #createTool(name, icon, work, opensMenu = false) {
        const label = this.#inbox.text(name);
        const attributes = {
            ...{ class: "tool", type: "button", title: label, "aria-label": label },
            ...{ "data-tool": icon, "data-of": this.#notification.id },
            "aria-haspopup": opensMenu && "menu",
            onclick: (/** @type {Event} */ event) =>
                work(/** @type {HTMLElement} */ (event.currentTarget)),
        };
        return createNode("button", attributes, createIcon(icon));
    }

    /** @param {Notification} it */
    #createActions(it) {
        if (!it.actions?.length) return [];
        const taken = it.actions.find(({ name }) => name === it.acted);
        if (taken) {
            const label = this.#inbox.text("acted", { label: taken.label });
            const done = createNode("span", { class: "done" }, createIcon("check"), label);
            return [createNode("div", { class: "actions" }, done)];
        }
        const buttons = it.actions.map(({ name, label }, index) => {
            const attributes = {
                ...{ type: "button", class: index === 0 ? "primary" : "plain", part: "action" },
                "data-tool": name,
                onclick: () => this.#inbox.actions.pressAction(it, name, this.element),
            };
            return createNode("button", attributes, label);
        });
        return [createNode("div", { class: "actions" }, ...buttons)];
    }
}
