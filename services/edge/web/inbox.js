// Inbox: the list of somebody's notifications, and all that can be done with them.

import { address, make, say } from "./dom.js";
import { Alerts } from "./alerts.js";
import { TidingsElement } from "./element.js";
import { Feed } from "./feed.js";
import { laters, moment } from "./format.js";
import { icon } from "./icons.js";

/** @import {MarkState, Notification} from "./protocol.js" */
/** @import {Tidings} from "./client.js" */
/** @import {Name} from "./words.js" */
/** @typedef {"all" | "unread" | "archived" | "snoozed"} List */

/** @type {readonly List[]} */
const LISTS = ["all", "unread", "archived", "snoozed"];
/** @type {Record<List, [Name, Name, string]>} */
const EMPTY = {
    all: ["emptyAll", "emptyAllMore", "inbox"],
    unread: ["emptyUnread", "emptyUnreadMore", "check"],
    archived: ["emptyArchived", "emptyArchivedMore", "archive"],
    snoozed: ["emptySnoozed", "emptySnoozedMore", "clock"],
};
const TICK_MILLISECONDS = 1000;
const ROWS_TICK = 30;
const BAR_MILLISECONDS = 7000;
const BACK_MILLISECONDS = 5000;
const PAGE = 50;

/**
 * Attribute: `page`, the address of a whole page of them. Events: `tidings-open` with `{notification}` when one is opened; prevented, its link is not followed.
 * Parts: `row`, `sign`, `title`, `message`, `dot`, `action`, `feed`, `heading`.
 */
export class Inbox extends TidingsElement {
    /** @type {List} */ list = "all";
    /** What a list other than that of the client has, as far as it was asked for. @type {{notifications: Notification[], next: string | null | undefined, failed: boolean} | null} */ #page = null;
    /** The unread ones stay in their list until another is chosen, though they are read meanwhile. @type {Set<string>} */ #kept = new Set();
    #loading = false;
    /** @type {string | null} */ #undo = null;
    /** The ids that the next key is for. @type {Set<string>} */ #picked = new Set();
    /** @type {ReturnType<typeof setTimeout> | undefined} */ #bar;
    #ticks = 0;
    /** @type {{count: number, until: number} | null} */ #back = null;
    /** @type {any} */ #parts = {};
    /** @type {Feed | null} */ #feed = null;

    build() {
        this.classList.add("inbox");
        this.#feed?.close();
        this.#feed = new Feed(this);
        const tool = (/** @type {Name} */ name, /** @type {string} */ picture, /** @type {(event: Event) => void} */ onclick, more = {}) =>
            make("button", { class: "tool", type: "button", title: this.say(name), "aria-label": this.say(name), onclick, ...more }, icon(picture));
        this.#parts = {
            heading: make("h2", { part: "heading", id: "heading" }, this.say("title")),
            markAll: tool("markAll", "check", () => this.client?.markAll()),
            settings: tool("settings", "settings", (event) => this.#openSettings(/** @type {HTMLElement} */ (event.currentTarget)), { "aria-haspopup": "dialog" }),
            close: tool("close", "close", () => this.dispatchEvent(new CustomEvent("tidings-close", { bubbles: true, composed: true })), { hidden: !this.hasAttribute("closable") }),
            link: make("p", { class: "link" }, make("span"), address(this.getAttribute("page") ?? undefined) && make("a", { class: "page", href: address(this.getAttribute("page") ?? undefined) }, this.say("page"))),
            tabs: make("div", { class: "tabs", role: "tablist", "aria-label": this.say("title"), onkeydown: (/** @type {KeyboardEvent} */ event) => this.#turn(event) }),
            pill: make("button", { class: "primary pill", type: "button", hidden: true, onclick: () => this.#feed?.release() }),
            live: make("div", { role: "status", class: "unseen" }),
            bar: make("div", { class: "bar", hidden: true }),
            menu: make("div", { class: "menu", popover: "auto" }),
        };
        const { heading, markAll, settings, close, link, tabs, pill, live, bar, menu } = this.#parts;
        tabs.append(...LISTS.map((list) => this.#tab(list)));
        this.#feed.scroll.setAttribute("role", "tabpanel");
        this.#feed.scroll.setAttribute("id", "list");
        this.root.append(make("header", { class: "head" }, heading, markAll, settings, close), link, tabs, pill, this.#feed.scroll, bar, menu, live);
    }

    arrived() {
        const { signal } = this.leaving;
        const ticking = setInterval(() => this.#tick(), TICK_MILLISECONDS);
        signal.addEventListener("abort", () => clearInterval(ticking));
        this.addEventListener("keydown", (event) => this.#key(event), { signal });
    }

    /** @param {Tidings} client @param {AbortSignal} signal */
    met(client, signal) {
        const on = (/** @type {string} */ name, /** @type {(detail: any) => void} */ work) =>
            client.addEventListener(name, (event) => work(/** @type {CustomEvent} */ (event).detail), { signal });
        on("caughtup", ({ from, replayed }) => from && this.#cameBack(replayed));
        on("notification", ({ notification, live }) => live && say(this.#parts.live, this.say("arrived", { title: notification.title })));
        on("refused", ({ error }) => this.#tell(this.say("refused", { error }), null));
    }

    draw() {
        const { client } = this;
        this.#drawLink();
        for (const list of LISTS) this.#drawTab(list);
        this.#parts.markAll.disabled = !client?.counts.unread;
        const { notifications, complete } = this.#shown();
        const unknown = client && !client.cursor && !notifications.length && client.state !== "signed out";
        this.#feed?.list.setAttribute("aria-busy", String(Boolean(unknown || this.#loading)));
        this.#feed?.draw(notifications, { complete, foot: unknown ? this.#bones() : this.#foot(notifications.length, complete) });
        const waiting = this.#feed?.waiting ?? 0;
        this.#parts.pill.hidden = !waiting;
        say(this.#parts.pill, this.say("newOnes", { count: waiting }));
    }

    /** Focus what a reader begins with. */
    focus() {
        const first = this.#feed?.rows[0]?.element ?? this.#parts.tabs.querySelector("[aria-selected=true]");
        first?.focus();
    }

    /** @param {MarkState} state @param {...Notification} which */
    mark(state, ...which) {
        if (!this.client) return;
        const ids = which.map(({ id }) => id);
        const op = this.client.mark(state, ids);
        this.#marked(state, ids);
        if (state === "archived") this.#tell(this.say("didArchive"), op);
        if (state === "deleted") this.#tell(this.say("didRemove"), op);
        if (state === "unarchived" || state === "unsnoozed") this.#undo = op;
    }

    /** @param {Notification} it @param {Date} until */
    #putOff(it, until) {
        const at = until.toISOString();
        const op = this.client?.mark("snoozed", [it.id], { until: at });
        this.#marked("snoozed", [it.id]);
        this.#tell(this.say("didSnooze", { time: moment(at, this.tongue.language) }), op ?? null);
    }

    /** Show in a list that is not the client's what became of some. @param {MarkState} state @param {string[]} ids */
    #marked(state, ids) {
        const page = this.#page;
        const read = state === "read" ? new Date(this.client?.now ?? 0).toISOString() : undefined;
        if (page && (state === "read" || state === "unread")) page.notifications = page.notifications.map((it) => (ids.includes(it.id) ? { ...it, read } : it));
        else if (page) page.notifications = page.notifications.filter((it) => !ids.includes(it.id));
        this.redraw();
    }

    /** @param {string[]} ids */
    seen(ids) {
        const known = new Set(this.client?.notifications.filter((it) => !it.seen).map((it) => it.id));
        const fresh = ids.filter((id) => known.has(id));
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

    /** @param {Notification} it @param {string} action @param {HTMLElement} row */
    async press(it, action, row) {
        for (const button of row.querySelectorAll(".actions button")) /** @type {HTMLButtonElement} */ (button).disabled = true;
        try {
            await this.client?.press(it.id, action);
            if (!it.read) this.client?.mark("read", [it.id]);
        } catch (error) {
            for (const button of row.querySelectorAll(".actions button")) /** @type {HTMLButtonElement} */ (button).disabled = false;
            this.#tell(this.say("refused", { error: error instanceof Error ? error.message : String(error) }), null);
        }
    }

    /** @param {Notification} it @param {HTMLElement} button */
    snooze(it, button) {
        const choices = laters(this.client?.now ?? Date.now()).map(({ name, at }) =>
            make("button", { type: "button", role: "menuitem", onclick: () => this.#close(() => this.#putOff(it, at)) },
                make("span", {}, this.say(name)), make("span", {}, moment(at.toISOString(), this.tongue.language))),
        );
        this.#menu(button, "menu", this.say("snooze"), choices);
    }

    /** What else can be done with one, and why it is here. @param {Notification} it @param {HTMLElement} button */
    options(it, button) {
        const item = (/** @type {Name} */ name, /** @type {string} */ picture, /** @type {MarkState} */ state) =>
            make("button", { type: "button", role: "menuitem", onclick: () => this.#close(() => this.mark(state, it)) }, make("span", {}, this.say(name)), icon(picture));
        const read = it.read ? item("unreadAgain", "unread", "unread") : item("read", "check", "read");
        const why = it.entity ? this.say("because", { type: it.type, entity: `${it.entity.type} ${it.entity.id}` }) : this.say("becauseType", { type: it.type });
        this.#menu(button, "menu", this.say("moreActions"), [read, item("remove", "trash", "deleted"), make("p", { role: "note" }, make("strong", {}, this.say("why")), " ", why)]);
    }

    /** Load older ones. */
    async more() {
        const { client } = this;
        if (!client || this.#loading || this.#shown().complete || (this.#page?.failed ?? false)) return;
        this.#loading = true;
        try {
            if (this.list === "archived" || this.list === "snoozed") await this.#load(client);
            else if (client.cursor && client.state !== "offline") await client.more(PAGE);
        } catch {
            this.#page = { notifications: this.#page?.notifications ?? [], next: this.#page?.next, failed: true };
        } finally {
            this.#loading = false;
            this.redraw();
        }
    }

    /** @param {Tidings} client */
    async #load(client) {
        const list = this.list;
        const before = this.#page?.next ?? undefined;
        const { notifications, next } = await client.list({ state: list, limit: PAGE, before });
        if (list === this.list) this.#page = { notifications: [...(this.#page?.notifications ?? []), ...notifications], next, failed: false };
    }

    /** What the chosen list has. @returns {{notifications: readonly Notification[], complete: boolean}} */
    #shown() {
        const { client } = this;
        if (!client) return { notifications: [], complete: true };
        if (this.list === "all") return client;
        if (this.list === "unread") {
            for (const it of client.notifications) if (!it.read) this.#kept.add(it.id);
            return { notifications: client.notifications.filter((it) => this.#kept.has(it.id)), complete: client.complete };
        }
        return { notifications: this.#page?.notifications ?? [], complete: this.#page?.next === null };
    }

    /** @param {List} list */
    #choose(list) {
        this.list = list;
        this.#page = null;
        this.#picked.clear();
        this.#kept.clear();
        this.#feed?.restart();
        this.draw();
        if (list === "archived" || list === "snoozed") this.more();
    }

    /** @param {List} list */
    #tab(list) {
        const count = list === "all" || list === "unread" ? make("span", { class: "count", hidden: true }) : null;
        return make("button", { type: "button", role: "tab", "data-list": list, "aria-controls": "list", onclick: () => this.#choose(list) }, this.say(list), count);
    }

    /** @param {List} list */
    #drawTab(list) {
        const tab = this.#parts.tabs.querySelector(`[data-list="${list}"]`);
        const chosen = this.list === list;
        tab.setAttribute("aria-selected", String(chosen));
        tab.tabIndex = chosen ? 0 : -1;
        const count = tab.querySelector(".count");
        if (!count) return;
        const number = this.client?.counts[list === "all" ? "total" : "unread"] ?? 0;
        count.hidden = number === 0;
        say(count, number.toLocaleString(this.tongue.language));
    }

    /** Arrows move from tab to tab. @param {KeyboardEvent} event */
    #turn(event) {
        const forward = getComputedStyle(this).direction === "rtl" ? "ArrowLeft" : "ArrowRight";
        const by = { ArrowLeft: forward === "ArrowLeft" ? 1 : -1, ArrowRight: forward === "ArrowRight" ? 1 : -1 }[event.key];
        if (!by) return;
        const list = LISTS[(LISTS.indexOf(this.list) + by + LISTS.length) % LISTS.length];
        this.#choose(list);
        this.#parts.tabs.querySelector(`[data-list="${list}"]`).focus();
        event.preventDefault();
        event.stopPropagation();
    }

    #drawLink() {
        const { client } = this;
        const { link } = this.#parts;
        const state = client?.state ?? "offline";
        link.dataset.state = state;
        say(link.firstElementChild, this.#standing());
    }

    /** How the connection stands, in words. */
    #standing() {
        const { client } = this;
        const seconds = Math.ceil(((client?.retryAt ?? 0) - Date.now()) / 1000);
        if (this.#back && Date.now() < this.#back.until && client?.state === "live") return this.say("reconnected", { count: this.#back.count });
        switch (client?.state) {
            case "live":
                return this.say("live");
            case "connecting":
                return this.say("connecting");
            case "catching up":
                return this.say("catchingUp");
            case "signed out":
                return this.say("signedOut");
            default:
                return client?.retryAt && seconds > 0 ? this.say("reconnecting", { count: seconds }) : this.say("offline");
        }
    }

    /** @param {number} count */
    #cameBack(count) {
        if (!count) return;
        this.#back = { count, until: Date.now() + BACK_MILLISECONDS };
        say(this.#parts.live, this.say("reconnected", { count }));
        this.redraw();
    }

    #tick() {
        this.#drawLink();
        this.#ticks += 1;
        if (this.#ticks % ROWS_TICK === 0) this.#feed?.tick();
    }

    #bones() {
        const bone = () => make("div", { class: "bones" }, make("i"), make("i"), make("i"));
        return make("div", { "aria-hidden": "true", class: "wide" }, bone(), bone(), bone(), bone());
    }

    /** What stands below the last row. @param {number} count @param {boolean} complete */
    #foot(count, complete) {
        if (this.#page?.failed) {
            const again = () => {
                this.#page = this.#page?.notifications.length ? { ...this.#page, failed: false } : null;
                this.more();
            };
            return make("div", { class: "empty" }, make("strong", {}, this.say("failed")), make("button", { class: "plain", type: "button", onclick: again }, this.say("retry")));
        }
        if (!complete) return this.#loading ? this.#bones() : make("button", { class: "plain", type: "button", onclick: () => this.more() }, this.say("more"));
        if (count) return make("span", {}, this.say("end"));
        const [strong, more, picture] = EMPTY[this.list];
        return make("div", { class: "empty" }, make("div", { class: "sign" }, icon(picture)), make("strong", {}, this.say(strong)), make("span", {}, this.say(more)));
    }

    /** Say what was done, and for a while how to take it back. @param {string} words @param {string | null} op */
    #tell(words, op) {
        const { bar, live } = this.#parts;
        this.#undo = op;
        const undo = op && make("button", { type: "button", onclick: () => this.#takeBack() }, this.say("undo"));
        bar.replaceChildren(make("span", {}, words), ...(undo ? [undo] : []));
        bar.hidden = false;
        say(live, words);
        clearTimeout(this.#bar);
        this.#bar = setTimeout(() => (bar.hidden = true), BAR_MILLISECONDS);
    }

    #takeBack() {
        this.#parts.bar.hidden = true;
        if (this.#undo && this.client?.undo(this.#undo) && this.#page) this.#choose(this.list);
        this.#undo = null;
        this.redraw();
    }

    /** @param {HTMLElement} button */
    #openSettings(button) {
        const alerts = Alerts.of(this.client);
        const box = (/** @type {"sound" | "desktop"} */ name) => {
            const input = make("input", { type: "checkbox", onchange: async () => (input.checked = await alerts.allow(name, input.checked)) });
            input.checked = alerts.allowed[name];
            input.disabled = name === "desktop" && alerts.denied;
            return make("label", {}, make("span", {}, this.say(input.disabled ? "desktopDenied" : name)), input);
        };
        this.#menu(button, "dialog", this.say("settings"), [box("sound"), box("desktop"), make("p", {}, this.say("keys"))]);
    }

    /** @param {HTMLElement} button @param {string} role @param {string} label @param {HTMLElement[]} children */
    #menu(button, role, label, children) {
        const { menu } = this.#parts;
        menu.setAttribute("role", role);
        menu.setAttribute("aria-label", label);
        menu.replaceChildren(...children);
        menu.onkeydown = (/** @type {KeyboardEvent} */ event) => this.#walk(event, children);
        button.setAttribute("aria-expanded", "true");
        const id = button.closest("article")?.dataset.id;
        menu.ontoggle = (/** @type {ToggleEvent} */ { newState }) => newState === "closed" && this.#returnTo(button, id);
        menu.showPopover();
        const place = button.getBoundingClientRect();
        const size = menu.getBoundingClientRect();
        menu.style.top = `${place.bottom + size.height > innerHeight ? Math.max(8, place.top - size.height) : place.bottom + 4}px`;
        menu.style.left = `${Math.max(8, Math.min(innerWidth - size.width - 8, place.right - size.width))}px`;
        menu.querySelector("button, input")?.focus();
    }

    /** The focus goes back to where a menu was opened, or to what stands there by now. @param {HTMLElement} button @param {string} [id] */
    #returnTo(button, id) {
        button.setAttribute("aria-expanded", "false");
        const row = this.#feed?.rows.find(({ notification }) => notification.id === id)?.element;
        const now = button.isConnected ? button : /** @type {HTMLElement | null} */ (row?.querySelector(`[data-tool="${button.dataset.tool}"]`));
        now?.focus();
    }

    /** @param {() => void} work */
    #close(work) {
        this.#parts.menu.hidePopover();
        work();
    }

    /** Arrows move within a menu. @param {KeyboardEvent} event @param {HTMLElement[]} children */
    #walk(event, children) {
        const places = children.map((each) => (each.matches("button") ? each : each.querySelector("input"))).filter((each) => each !== null);
        const by = { ArrowDown: 1, ArrowUp: -1 }[event.key];
        event.stopPropagation();
        if (!by) return;
        const at = places.findIndex((each) => each === this.root.activeElement);
        /** @type {HTMLElement} */ (places[(at + by + places.length) % places.length]).focus();
        event.preventDefault();
    }

    /** @param {KeyboardEvent} event */
    #key(event) {
        const typing = /** @type {Element} */ (event.composedPath()[0]).matches("input, textarea, select");
        if (typing || event.ctrlKey || event.metaKey || event.altKey || !this.#does(event.key)) return;
        event.preventDefault();
        event.stopPropagation();
    }

    /** Do what a key stands for; false if it stands for nothing here. @param {string} key */
    #does(key) {
        const row = this.#feed?.focused;
        const it = row?.notification;
        const on = row?.element === this.root.activeElement;
        switch (key) {
            case "j": case "ArrowDown": case "PageDown":
                return this.#feed?.move(1), true;
            case "k": case "ArrowUp": case "PageUp":
                return this.#feed?.move(-1), true;
            case "z":
                return this.#takeBack(), true;
            case "?":
                return this.#parts.settings.click(), true;
        }
        if (!it || !row) return false;
        switch (key) {
            case "Enter":
                return on && (this.open(it), true);
            case "o":
                return this.open(it), true;
            case "x":
                return this.#pick(it.id, row), true;
            case "e":
                return this.#each(it, this.list === "archived" ? "unarchived" : "archived"), true;
            case "I":
                return this.#each(it, "read"), true;
            case "U":
                return this.#each(it, "unread"), true;
            case "s":
                return /** @type {HTMLElement | null} */ (row.element.querySelector('[data-tool="clock"]'))?.click(), true;
            case "#": case "Delete":
                return this.#each(it, "deleted"), true;
        }
        return false;
    }

    /** @param {string} id @param {import("./row.js").Row} row */
    #pick(id, row) {
        if (!this.#picked.delete(id)) this.#picked.add(id);
        row.pick(this.#picked.has(id));
        say(this.#parts.live, this.#picked.has(id) ? this.say("picked") : "");
    }

    /** Mark those that are picked, else the one that has the focus. @param {Notification} it @param {MarkState} state */
    #each(it, state) {
        const picked = this.#feed?.rows.filter(({ notification }) => this.#picked.has(notification.id)) ?? [];
        this.#picked.clear();
        for (const row of picked) row.pick(false);
        this.mark(state, ...(picked.length ? picked.map(({ notification }) => notification) : [it]));
    }
}
