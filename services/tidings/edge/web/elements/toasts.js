// Toasts: what has just happened, for a moment, in a corner; what asks for an answer stays.

import { showConfetti } from "./celebration.js";
import { createNode, pageAddress, setText } from "./dom.js";
import { TidingsElement } from "./element.js";
import { createIcon, iconFor } from "./icons.js";

/** @import {Tidings} from "../client.js" */
/** @import {Notification} from "../client/protocol.js" */
/** @import {Bell} from "./bell.js" */

/** @typedef {{element: HTMLElement, timer: RestartableTimer | null}} Toast */
/**
 * @typedef {object} ToastsParts
 * @property {HTMLElement} polite
 * @property {HTMLElement} urgent
 * @property {HTMLElement} stack
 * @property {HTMLElement} rest
 */

const LIMIT = 3;
const SHOWN_MILLISECONDS = 6000;
const FADE_MILLISECONDS = 180;

/**
 * None is shown while the page is hidden or this person's inbox is open.
 * Events: `tidings-open`, as of the inbox. Parts: `toast`, `sign`, `title`, `message`, `action`.
 */
export class Toasts extends TidingsElement {
    /** By the notification's id. @type {Map<string, Toast>} */ #toasts = new Map();
    /** How many more there were than are shown. */ #moreCount = 0;
    /** The bell opened last. @type {Bell | null} */ #bell = null;
    #parts = /** @type {ToastsParts} */ ({});

    createRenderRoot() {
        this.classList.add("toasts");
        this.#dropAll();
        this.#parts = {
            polite: createNode("div", { role: "status", class: "visually-hidden" }),
            urgent: createNode("div", { role: "alert", class: "visually-hidden" }),
            stack: createNode("div", { class: "stack" }),
            rest: createNode("div", { class: "rest", hidden: true }),
        };
        this.root.append(...Object.values(this.#parts));
    }

    connected() {
        const handleToggle = (/** @type {Event} */ event) =>
            this.#handleToggle(/** @type {Bell} */ (event.composedPath()[0]));
        const signal = this.disconnectSignal;
        document.addEventListener("tidings-toggle", handleToggle, { signal });
    }

    /** @param {Tidings} client @param {AbortSignal} signal */
    clientChanged(client, signal) {
        const notify = (/** @type {Event} */ event) =>
            this.#notify(/** @type {CustomEvent} */ (event).detail);
        client.addEventListener("notification", notify, { signal });
        client.addEventListener("change", () => this.#dropHandled(client), { signal });
    }

    /** @param {{notification: Notification, live: boolean}} detail */
    #notify({ notification, live }) {
        if (!live || document.hidden || this.#isInboxOpen) return;
        const isUrgent = notification.priority === "critical";
        const { urgent, polite } = this.#parts;
        const announcement = `${notification.title}. ${notification.message}`;
        setText(isUrgent ? urgent : polite, announcement);
        if (isUrgent) this.#makeRoom();
        const isFull = this.#toasts.size >= LIMIT && !this.#toasts.has(notification.id);
        if (isFull) this.#moreCount += 1;
        else this.#showToast(notification);
        this.#renderRest();
        if (notification.data?.celebrate) showConfetti(this.root);
    }

    /** @param {Notification} it */
    #showToast(it) {
        this.#toasts.get(it.id)?.element.remove();
        this.#toasts.get(it.id)?.timer?.stop();
        const asksForAnswer = it.priority === "critical" || Boolean(it.actions?.length);
        const timer = asksForAnswer
            ? null
            : new RestartableTimer(SHOWN_MILLISECONDS, () => this.#drop(it.id));
        const element = this.#createToast(it);
        this.#pauseWhileUsed(element, it.id);
        this.#toasts.set(it.id, { element, timer });
        this.#parts.stack.append(element);
        timer?.start();
    }

    /**
     * Have a toast stay while the pointer or the focus is in it.
     * @param {HTMLElement} element
     * @param {string} id
     */
    #pauseWhileUsed(element, id) {
        const timer = () => this.#toasts.get(id)?.timer;
        const pause = () => timer()?.stop();
        const resume = () =>
            requestAnimationFrame(() => {
                if (!element.matches(":hover, :focus-within")) timer()?.start();
            });
        for (const name of ["pointerenter", "focusin"]) element.addEventListener(name, pause);
        for (const name of ["pointerleave", "focusout"]) element.addEventListener(name, resume);
        element.addEventListener("keydown", ({ key }) => {
            if (key === "Escape") this.#drop(id);
        });
    }

    /** @param {Notification} it */
    #createToast(it) {
        const attributes = { class: `toast ${it.level ?? "info"}`, part: "toast" };
        const name = createNode(
            "p",
            { class: "name", part: "title", dir: "auto" },
            this.#createName(it),
        );
        const message =
            it.message &&
            createNode("p", { class: "message", part: "message", dir: "auto" }, it.message);
        const label = { type: "button", "aria-label": this.text("close") };
        const close = { class: "tool", ...label, onclick: () => this.#drop(it.id) };
        return createNode(
            "div",
            { ...attributes, "data-id": it.id },
            createNode("div", { class: "sign", part: "sign" }, iconFor(it)),
            createNode("div", {}, name, message || null),
            createNode("button", close, createIcon("close")),
            it.actions?.length && !it.acted ? this.#createActions(it) : null,
        );
    }

    /** @param {Notification} it */
    #createName(it) {
        const href = pageAddress(it.entity?.url);
        const onclick = (/** @type {MouseEvent} */ event) => this.#openNotification(it, event);
        return href
            ? createNode("a", { href, onclick }, it.title)
            : createNode("button", { type: "button", onclick }, it.title);
    }

    /** @param {Notification} it */
    #createActions(it) {
        const press = async (/** @type {string} */ action) => {
            await this.client?.press(it.id, action).catch(() => {}); // the inbox shows what holds
            this.#drop(it.id);
        };
        const buttons = (it.actions ?? []).map(({ name, label }, index) => {
            const style = index === 0 ? "primary" : "plain";
            return createNode(
                "button",
                { type: "button", class: style, part: "action", onclick: () => press(name) },
                label,
            );
        });
        return createNode("div", { class: "actions" }, ...buttons);
    }

    /** @param {Notification} notification @param {MouseEvent} event */
    #openNotification(notification, event) {
        this.client?.mark("read", [notification.id]);
        const options = { bubbles: true, composed: true, cancelable: true };
        const follows = this.dispatchEvent(
            new CustomEvent("tidings-open", { detail: { notification }, ...options }),
        );
        if (!follows) event.preventDefault();
        this.#drop(notification.id);
    }

    /** @param {string} id */
    #drop(id) {
        const toast = this.#toasts.get(id);
        if (!toast) return;
        this.#toasts.delete(id);
        toast.timer?.stop();
        toast.element.classList.add("leaving");
        setTimeout(() => toast.element.remove(), FADE_MILLISECONDS);
        if (!this.#toasts.size) this.#moreCount = 0;
        this.#renderRest();
    }

    #dropAll() {
        for (const id of [...this.#toasts.keys()]) this.#drop(id);
    }

    /** Drop what was read, answered or deleted elsewhere. @param {Tidings} client */
    #dropHandled(client) {
        if (!this.#toasts.size) return;
        const open = client.notifications.filter(({ read, acted }) => !read && !acted);
        const ids = new Set(open.map(({ id }) => id));
        for (const id of this.#toasts.keys()) if (!ids.has(id)) this.#drop(id);
    }

    get #isInboxOpen() {
        return Boolean(this.#bell?.isConnected && this.#bell.open);
    }

    /** @param {Bell} bell */
    #handleToggle(bell) {
        if (bell.client !== this.client) return;
        this.#bell = bell;
        if (bell.open) this.#dropAll();
    }

    /** Drop the oldest toast that would go by itself, for an urgent one. */
    #makeRoom() {
        if (this.#toasts.size < LIMIT) return;
        const passing = [...this.#toasts].find(([, { timer }]) => timer);
        if (!passing) return;
        this.#drop(passing[0]);
        this.#moreCount += 1;
    }

    #renderRest() {
        this.#parts.rest.hidden = this.#moreCount === 0;
        setText(this.#parts.rest, this.text("moreToasts", { count: this.#moreCount }));
    }
}

/** A timer that can be stopped, and starts from the beginning again. */
class RestartableTimer {
    #milliseconds;
    #work;
    /** @type {ReturnType<typeof setTimeout> | undefined} */ #timer;

    /** @param {number} milliseconds @param {() => void} work */
    constructor(milliseconds, work) {
        this.#milliseconds = milliseconds;
        this.#work = work;
    }

    start() {
        this.stop();
        this.#timer = setTimeout(this.#work, this.#milliseconds);
    }

    stop() {
        clearTimeout(this.#timer);
    }
}
