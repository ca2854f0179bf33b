// Inbox: the list of somebody's notifications, and all that can be done with them.

import { Alerts } from "./alerts.js";
import { Bar } from "./bar.js";
import { Connection } from "./connection.js";
import { address, make, say } from "./dom.js";
import { TidingsElement } from "./element.js";
import { Feed } from "./feed.js";
import { laters, moment } from "./format.js";
import { icon } from "./icons.js";
import { press } from "./keys.js";
import { Menu } from "./menu.js";
import { Page } from "./page.js";
import { TabList } from "./tablist.js";

/** @import {MarkState, Notification} from "./protocol.js" */
/** @import {Tidings} from "./client.js" */
/** @import {Row} from "./row.js" */
/** @import {List} from "./tablist.js" */
/** @import {Name} from "./words.js" */

/** @type {Record<List, [Name, Name, string]>} */
const EMPTY = {
    all: ["emptyAll", "emptyAllMore", "inbox"],
    unread: ["emptyUnread", "emptyUnreadMore", "check"],
    archived: ["emptyArchived", "emptyArchivedMore", "archive"],
    snoozed: ["emptySnoozed", "emptySnoozedMore", "clock"],
};
/** @type {Partial<Record<MarkState, Name>>} */
const DID = { archived: "didArchive", deleted: "didRemove", unarchived: "didMoveBack", unsnoozed: "didMoveBack" };
const TICK_MILLISECONDS = 1000;
const ROWS_TICK = 30;
const MORE_ROWS = 50;
const BONES = 4;

/**
 * Attribute: `page`, the address of a whole page of them. Events: `tidings-open` with `{notification}` when one is opened; prevented, its
 * link is not followed. Parts: `row`, `sign`, `title`, `message`, `dot`, `action`, `feed`, `heading`.
 */
export class Inbox extends TidingsElement {
    /** @type {List} */ list = "all";
    /** What is shown, if that is not what the client has. @type {Page | null} */ #page = null;
    /** The unread ones stay in their list until another is chosen, though they are read meanwhile. @type {Set<string>} */ #kept = new Set();
    /** The ids that the next key is for. @type {Set<string>} */ #picked = new Set();
    /** Takes back what was done last. @type {(() => void) | null} */ #undo = null;
    /** Whose list it is. @type {[Tidings | null, string | null]} */ #whose = [null, null];
    /** Where the row stood that a menu is about. */ #place = 0;
    #loading = false;
    #ticks = 0;
    #connection = new Connection(this);
    #bar = new Bar();
    #menu = new Menu((button) => this.#standsFor(button));
    #tabs = new TabList(this, { choose: (list) => this.#choose(list), changed: () => this.#refresh() });
    /** @type {Feed} */ #feed = new Feed(this);
    /** @type {any} */ #parts = {};

    build() {
        this.classList.add("inbox");
        this.#bar.hide();
        this.#feed.close();
        this.#feed = new Feed(this);
        this.#feed.scroll.setAttribute("role", "tabpanel");
        this.#feed.scroll.id = "list";
        const all = address(this.getAttribute("page") ?? undefined);
        const close = () => this.dispatchEvent(new CustomEvent("tidings-close", { bubbles: true, composed: true }));
        this.#parts = {
            markAll: this.#tool("markAll", "check", () => this.client?.markAll()),
            settings: this.#tool("settings", "settings", () => this.openSettings(), { "aria-haspopup": "dialog" }),
            line: make("p", { class: "link" }, make("span"), all && make("a", { class: "page", href: all }, this.say("page"))),
            pill: make("button", { class: "primary pill", type: "button", hidden: true, onclick: () => this.#feed.release() }),
            live: make("div", { role: "status", class: "unseen" }),
        };
        const { markAll, settings, line, pill, live } = this.#parts;
        const heading = make("h2", { part: "heading", id: "heading" }, this.say("title"));
        const head = make("header", { class: "head" }, heading, markAll, settings, this.hasAttribute("closable") && this.#tool("close", "close", close));
        this.root.append(head, line, this.#tabs.build(), pill, this.#feed.scroll, this.#bar.element, this.#menu.element, live);
    }

    arrived() {
        const { signal } = this.leaving;
        const ticking = setInterval(() => this.#tick(), TICK_MILLISECONDS);
        signal.addEventListener("abort", () => clearInterval(ticking));
        this.addEventListener("keydown", (event) => press(this, event), { signal });
    }

    /** @param {Tidings} client @param {AbortSignal} signal */
    met(client, signal) {
        const on = (/** @type {string} */ name, /** @type {(detail: any) => void} */ work) =>
            client.addEventListener(name, (event) => work(/** @type {CustomEvent} */ (event).detail), { signal });
        on("caughtup", ({ from, replayed }) => from && replayed && this.#cameBack(replayed));
        on("notification", ({ notification, live }) => live && say(this.#parts.live, this.say("arrived", { title: notification.title })));
        on("refused", ({ error }) => this.#tell(this.say("refused", { error }), null));
    }

    draw() {
        const { client } = this;
        const { line, markAll, pill } = this.#parts;
        this.#belong(client, client?.user ?? null);
        this.#connection.draw(line);
        this.#tabs.draw(this.list);
        markAll.disabled = !client?.counts.unread;
        const { notifications, complete } = this.#shown();
        const unknown = Boolean(client && !client.cursor && !notifications.length && client.state !== "signed out");
        this.#feed.list.setAttribute("aria-busy", String(unknown || this.#loading));
        this.#feed.draw(notifications, { complete, foot: unknown ? this.#bones() : this.#foot(notifications.length, complete) });
        pill.hidden = !this.#feed.waiting;
        say(pill, this.say("newOnes", { count: this.#feed.waiting }));
    }

    /** Nothing of one person's is ever shown to the next. @param {Tidings | null} client @param {string | null} user */
    #belong(client, user) {
        const [before, known] = this.#whose;
        if (client === before && user === known) return;
        this.#whose = [client, user];
        if (client === before && known === null) return; // it has just turned out who it is
        [this.#undo, this.#page] = [null, null];
        this.list = "all";
        for (const each of [this.#kept, this.#picked]) each.clear();
        this.#bar.hide();
        this.#menu.close();
        this.#feed.restart();
    }

    /** Focus what a reader begins with. */
    focus() {
        (this.#feed.rows[0]?.element ?? this.#tabs.chosen)?.focus();
    }

    /** The row that has the focus. */
    get focused() {
        return this.#feed.focused;
    }

    /** Move the focus by so many rows. @param {number} by */
    move(by) {
        this.#feed.move(by);
    }

    /** @param {MarkState} state @param {...Notification} which */
    mark(state, ...which) {
        this.#mark(state, which, DID[state]);
    }

    /** Mark those that are picked, else this one. @param {Notification} it @param {MarkState} state */
    markPicked(it, state) {
        this.mark(state, ...this.#taken(it));
    }

    /** Those that are picked, which are no longer then, else this one. @param {Notification} it */
    #taken(it) {
        const picked = this.#shown().notifications.filter(({ id }) => this.#picked.has(id));
        this.#picked.clear();
        for (const row of this.#feed.rows) row.pick(false);
        return picked.length ? picked : [it];
    }

    /** Whether the next key is for one too. @param {string} id */
    picks(id) {
        return this.#picked.has(id);
    }

    /** Have the next key be for this row too, or no longer. @param {Row} row */
    pick(row) {
        const { id } = row.notification;
        if (!this.#picked.delete(id)) this.#picked.add(id);
        row.pick(this.#picked.has(id));
        say(this.#parts.live, this.#picked.has(id) ? this.say("picked") : "");
    }

    /** Somebody has looked at these. @param {string[]} ids */
    seen(ids) {
        const unseen = new Set(this.client?.notifications.filter((it) => !it.seen).map((it) => it.id));
        const fresh = ids.filter((id) => unseen.has(id));
        if (fresh.length) this.client?.mark("seen", fresh);
    }

    /**
     * Open one: it is read then, and its link is followed.
     * @param {Notification} notification
     * @param {Event} [event] of the link itself, which is followed by itself
     */
    open(notification, event) {
        if (!notification.read) this.client?.mark("read", [notification.id]);
        const opened = this.dispatchEvent(new CustomEvent("tidings-open", { detail: { notification }, bubbles: true, composed: true, cancelable: true }));
        if (!opened) event?.preventDefault();
        const href = address(notification.entity?.url);
        if (opened && !event && href) location.assign(href);
    }

    /** Press a button of a notification's. @param {Notification} it @param {string} action @param {HTMLElement} row */
    async press(it, action, row) {
        const buttons = [...row.querySelectorAll(".actions button")].map((each) => /** @type {HTMLButtonElement} */ (each));
        const lock = (/** @type {boolean} */ locked) => buttons.forEach((each) => (each.disabled = locked));
        lock(true);
        try {
            await this.client?.press(it.id, action);
            if (!it.read) this.client?.mark("read", [it.id]);
        } catch (error) {
            lock(false);
            this.#tell(this.say("refused", { error: error instanceof Error ? error.message : String(error) }), null);
        }
    }

    /** Ask until when to put one off, or those that are picked. @param {Notification} it @param {HTMLElement} button */
    snooze(it, button) {
        const choices = laters(this.client?.now ?? Date.now()).map(({ name, at }) => {
            const time = moment(at.toISOString(), this.tongue.language);
            const work = () => this.#mark("snoozed", this.#taken(it), "didSnooze", { until: at.toISOString() }, { time });
            return this.#menu.item(this.say(name), time, work);
        });
        this.#open(it, button, "menu", this.say("snooze"), choices);
    }

    /** What else can be done with one, and why it is here. @param {Notification} it @param {HTMLElement} button */
    options(it, button) {
        const item = (/** @type {Name} */ name, /** @type {string} */ picture, /** @type {MarkState} */ state) =>
            this.#menu.item(this.say(name), icon(picture), () => this.mark(state, it));
        const read = it.read ? item("unreadAgain", "unread", "unread") : item("read", "check", "read");
        const why = it.entity ? this.say("because", { type: it.type, entity: `${it.entity.type} ${it.entity.id}` }) : this.say("becauseType", { type: it.type });
        const note = make("p", { role: "note" }, make("strong", {}, this.say("why")), " ", why);
        this.#open(it, button, "menu", this.say("moreActions"), [read, item("remove", "trash", "deleted"), note]);
    }

    /** Open a menu that is about a row. @param {Notification} it @param {Parameters<Menu["open"]>} menu */
    #open({ id }, ...menu) {
        this.#place = this.#feed.rows.findIndex(({ notification }) => notification.id === id);
        this.#menu.open(...menu);
    }

    openSettings() {
        const alerts = Alerts.of(this.client);
        const box = (/** @type {"sound" | "desktop"} */ name) => {
            const input = make("input", { type: "checkbox", onchange: async () => (input.checked = await alerts.allow(name, input.checked)) });
            input.checked = alerts.allowed[name];
            input.disabled = name === "desktop" && alerts.denied;
            return make("label", {}, make("span", {}, this.say(input.disabled ? "desktopDenied" : name)), input);
        };
        this.#menu.open(this.#parts.settings, "dialog", this.say("settings"), [box("sound"), box("desktop"), make("p", {}, this.say("keys"))]);
    }

    /** Take back what was done last. */
    takeBack() {
        this.#bar.hide();
        this.#undo?.();
        this.#undo = null;
        this.redraw();
    }

    /** Load older ones. */
    async more() {
        const { client } = this;
        const page = this.#page;
        if (!client || this.#loading || this.#shown().complete || page?.failed) return;
        this.#loading = true;
        if (page) await page.load(client);
        else if (client.cursor && client.state !== "offline") await client.more(MORE_ROWS).catch(() => {}); // it is asked for again
        this.#loading = false;
        this.redraw();
    }

    /**
     * @param {MarkState} state
     * @param {Notification[]} which
     * @param {Name} [told] what is said of it, with what is `filled` in; then it can be taken back
     * @param {{until?: string}} [more]
     * @param {Record<string, string>} [filled]
     */
    #mark(state, which, told, more, filled) {
        const { client } = this;
        if (!client) return;
        const ids = which.map(({ id }) => id);
        const op = client.mark(state, ids, more);
        this.#page?.mark(state, ids, new Date(client.now).toISOString());
        const from = this.#page?.state;
        if (told) this.#tell(this.say(told, filled), () => this.#giveBack(client, { state, which, op, from }));
        this.redraw();
    }

    /**
     * Take a mark back: what it took out of a list of its own goes there again.
     * @param {Tidings} client
     * @param {{state: MarkState, which: Notification[], op: string, from: "archived" | "snoozed" | undefined}} mark
     */
    #giveBack(client, { state, which, op, from }) {
        if (state === "deleted" || !from) client.undo(op);
        else if (from === "archived") client.mark("archived", which.map(({ id }) => id));
        else for (const { id, snoozed } of which) client.mark("snoozed", [id], { until: snoozed });
        if (this.#page && from === this.#page.state) this.#page.back(which);
    }

    /** The list that is shown has changed elsewhere. */
    async #refresh() {
        const { client, list } = this;
        if (!client || !this.#page) return;
        const page = new Page(this.#page.state);
        await page.load(client);
        if (page.failed || list !== this.list || client !== this.client) return;
        this.#page = page;
        this.redraw();
    }

    /** What the chosen list has. @returns {{notifications: readonly Notification[], complete: boolean}} */
    #shown() {
        const { client } = this;
        if (!client) return { notifications: [], complete: true };
        if (this.#page) return this.#page;
        if (this.list === "all") return client;
        for (const it of client.notifications) if (!it.read) this.#kept.add(it.id);
        return { notifications: client.notifications.filter((it) => this.#kept.has(it.id)), complete: client.complete };
    }

    /** @param {List} list */
    #choose(list) {
        this.list = list;
        this.#page = list === "archived" || list === "snoozed" ? new Page(list) : null;
        this.#kept.clear();
        this.#picked.clear();
        this.#feed.restart();
        this.draw();
        if (this.#page) this.more();
    }

    /** @param {number} count */
    #cameBack(count) {
        this.#connection.cameBack(count);
        say(this.#parts.live, this.say("reconnected", { count }));
        this.redraw();
    }

    #tick() {
        this.#connection.draw(this.#parts.line);
        this.#ticks += 1;
        if (this.#ticks % ROWS_TICK === 0) this.#feed.tick();
    }

    #bones() {
        const bones = Array.from({ length: BONES }, () => make("div", { class: "bones" }, make("i"), make("i"), make("i")));
        return make("div", { "aria-hidden": "true", class: "wide" }, ...bones);
    }

    /** What stands below the last row. @param {number} count @param {boolean} complete */
    #foot(count, complete) {
        const plain = (/** @type {Name} */ name, /** @type {() => void} */ onclick) => make("button", { class: "plain", type: "button", onclick }, this.say(name));
        if (this.#page?.failed) return make("div", { class: "empty" }, make("div", { class: "sign" }, icon("warning")), make("strong", {}, this.say("failed")), plain("retry", () => this.#choose(this.list)));
        if (!complete) return this.#loading ? this.#bones() : plain("more", () => this.more());
        if (count) return make("span", {}, this.say("end"));
        const [strong, more, picture] = EMPTY[this.list];
        return make("div", { class: "empty" }, make("div", { class: "sign" }, icon(picture)), make("strong", {}, this.say(strong)), make("span", {}, this.say(more)));
    }

    /** Say what was done, and for a while how to take it back. @param {string} words @param {(() => void) | null} undo */
    #tell(words, undo) {
        this.#undo = undo;
        this.#bar.show(words, undo ? { words: this.say("undo"), work: () => this.takeBack() } : null);
        say(this.#parts.live, words);
    }

    /** @param {Name} name @param {string} picture @param {(event: Event) => void} onclick @param {Record<string, string>} [more] */
    #tool(name, picture, onclick, more = {}) {
        const words = this.say(name);
        return make("button", { class: "tool", type: "button", title: words, "aria-label": words, onclick, ...more }, icon(picture));
    }

    /** The button, or what stands in its place by now: rows are drawn anew when they change, and others come up when they go. @param {HTMLElement} button */
    #standsFor(button) {
        if (button.isConnected) return button;
        const { rows, scroll } = this.#feed;
        const row = rows.find(({ notification }) => notification.id === button.dataset.of);
        const next = rows[Math.min(this.#place, rows.length - 1)]?.element ?? scroll;
        return /** @type {HTMLElement} */ (row?.element.querySelector(`[data-tool="${button.dataset.tool}"]`) ?? next);
    }
}
