// Toasts: what has just happened, for a moment, in a corner; what must be answered stays.

import { celebrate } from "./celebration.js";
import { address, make, say } from "./dom.js";
import { TidingsElement } from "./element.js";
import { icon, iconOf } from "./icons.js";

/** @import {Bell} from "./bell.js" */
/** @import {Tidings} from "./client.js" */
/** @import {Notification} from "./protocol.js" */

const LIMIT = 3;
const SHOWN_MILLISECONDS = 6000;
const LEAVING_MILLISECONDS = 180;

/** Toasts are kept back while the page is out of sight or an inbox is open. Events: `tidings-open`, as of the inbox. Part: `toast`. */
export class Toasts extends TidingsElement {
    /** @type {Map<string, {element: HTMLElement, timer: Timer | null}>} */ #toasts = new Map();
    #more = 0;
    /** The bell that was opened last. @type {Bell | null} */ #bell = null;
    /** @type {any} */ #parts = {};

    build() {
        this.classList.add("toasts");
        for (const id of [...this.#toasts.keys()]) this.#drop(id);
        this.#parts = {
            polite: make("div", { role: "status", class: "unseen" }),
            urgent: make("div", { role: "alert", class: "unseen" }),
            stack: make("div", { class: "stack" }),
            rest: make("div", { class: "rest", hidden: true }),
        };
        this.#parts.stack.style.cssText = "display:grid;gap:10px";
        this.root.append(...Object.values(this.#parts));
    }

    arrived() {
        const { signal } = this.leaving;
        document.addEventListener("tidings-toggle", (event) => this.#toggled(/** @type {Bell} */ (event.composedPath()[0])), { signal });
    }

    /** @param {Tidings} client @param {AbortSignal} signal */
    met(client, signal) {
        client.addEventListener("notification", (event) => this.#told(/** @type {CustomEvent} */ (event).detail), { signal });
        client.addEventListener("change", () => this.#withdraw(client), { signal });
    }

    /** @param {{notification: Notification, live: boolean}} told */
    #told({ notification, live }) {
        if (!live || document.hidden || this.#covered) return;
        const urgent = notification.priority === "critical";
        say(urgent ? this.#parts.urgent : this.#parts.polite, `${notification.title}. ${notification.message}`);
        if (urgent) this.#makeRoom();
        if (this.#toasts.size >= LIMIT && !this.#toasts.has(notification.id)) this.#more += 1;
        else this.#show(notification);
        this.#count();
        if (notification.data?.celebrate) celebrate(this.root);
    }

    /** @param {Notification} it */
    #show(it) {
        this.#toasts.get(it.id)?.element.remove();
        this.#toasts.get(it.id)?.timer?.stop();
        const element = make("div", { class: `toast ${it.level ?? "info"}`, part: "toast", "data-id": it.id },
            make("div", { class: "sign" }, iconOf(it)),
            make("div", {}, make("p", { class: "name", dir: "auto" }, this.#name(it)), it.message ? make("p", { class: "words", dir: "auto" }, it.message) : null),
            make("button", { class: "tool", type: "button", "aria-label": this.say("close"), onclick: () => this.#drop(it.id) }, icon("close")),
            it.actions?.length && !it.acted ? this.#buttons(it) : null,
        );
        const stays = it.priority === "critical" || Boolean(it.actions?.length);
        const timer = stays ? null : new Timer(SHOWN_MILLISECONDS, () => this.#drop(it.id));
        for (const name of ["pointerenter", "focusin"]) element.addEventListener(name, () => timer?.stop());
        for (const name of ["pointerleave", "focusout"]) element.addEventListener(name, () => requestAnimationFrame(() => element.matches(":hover, :focus-within") || this.#wait(it.id)));
        element.addEventListener("keydown", ({ key }) => key === "Escape" && this.#drop(it.id));
        this.#toasts.set(it.id, { element, timer });
        this.#parts.stack.append(element);
        timer?.start();
    }

    /** @param {Notification} it */
    #name(it) {
        const href = address(it.entity?.url);
        const onclick = (/** @type {MouseEvent} */ event) => this.#opened(it, event);
        return href ? make("a", { href, onclick }, it.title) : make("button", { type: "button", onclick }, it.title);
    }

    /** @param {Notification} notification @param {MouseEvent} event */
    #opened(notification, event) {
        this.client?.mark("read", [notification.id]);
        const opened = this.dispatchEvent(new CustomEvent("tidings-open", { detail: { notification }, bubbles: true, composed: true, cancelable: true }));
        if (!opened) event.preventDefault();
        this.#drop(notification.id);
    }

    /** @param {Notification} it */
    #buttons(it) {
        const press = async (/** @type {string} */ action) => {
            await this.client?.press(it.id, action).catch(() => {}); // how it stands shows in the inbox
            this.#drop(it.id);
        };
        return make("div", { class: "actions" }, ...(it.actions ?? []).map(({ name, label }, place) =>
            make("button", { type: "button", class: place ? "plain" : "primary", onclick: () => press(name) }, label)));
    }

    /** @param {string} id */
    #drop(id) {
        const toast = this.#toasts.get(id);
        if (!toast) return;
        this.#toasts.delete(id);
        toast.timer?.stop();
        toast.element.classList.add("leaving");
        setTimeout(() => toast.element.remove(), LEAVING_MILLISECONDS);
        if (!this.#toasts.size) this.#more = 0;
        this.#count();
    }

    /** What was read or taken back elsewhere needs no toast any longer. @param {Tidings} client */
    #withdraw(client) {
        if (!this.#toasts.size) return;
        const unread = new Set(client.notifications.filter((it) => !it.read && !it.acted).map((it) => it.id));
        for (const id of this.#toasts.keys()) if (!unread.has(id)) this.#drop(id);
    }

    /** Whether this person's inbox is open, and says it all. */
    get #covered() {
        return Boolean(this.#bell?.isConnected && this.#bell.open);
    }

    /** @param {Bell} bell */
    #toggled(bell) {
        if (bell.client !== this.client) return;
        this.#bell = bell;
        if (bell.open) for (const id of [...this.#toasts.keys()]) this.#drop(id);
    }

    /** What is urgent takes the place of the oldest that would go by itself. */
    #makeRoom() {
        if (this.#toasts.size < LIMIT) return;
        const passing = [...this.#toasts].find(([, { timer }]) => timer);
        if (passing) this.#drop(passing[0]), (this.#more += 1);
    }

    /** Let it go after a while, if it is there still. @param {string} id */
    #wait(id) {
        this.#toasts.get(id)?.timer?.start();
    }

    #count() {
        this.#parts.rest.hidden = this.#more === 0;
        say(this.#parts.rest, this.say("moreToasts", { count: this.#more }));
    }
}

/** A time that can be stopped, and begins anew. */
class Timer {
    #milliseconds;
    #work;
    /** @type {ReturnType<typeof setTimeout> | undefined} */ #running;

    /** @param {number} milliseconds @param {() => void} work */
    constructor(milliseconds, work) {
        this.#milliseconds = milliseconds;
        this.#work = work;
    }

    start() {
        this.stop();
        this.#running = setTimeout(this.#work, this.#milliseconds);
    }

    stop() {
        clearTimeout(this.#running);
    }
}
