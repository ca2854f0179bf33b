// Bell: a button that says how many are new, and opens the inbox.

import { Alerts } from "./alerts.js";
import { createNode, setText } from "./dom.js";
import { TidingsElement } from "./element.js";
import { Favicon } from "./favicon.js";
import { cappedCount } from "./format.js";
import { createIcon } from "./icons.js";

/** @import {Tidings} from "../client.js" */
/** @import {Inbox} from "./inbox/inbox.js" */

/**
 * @typedef {object} BellParts
 * @property {Inbox} inbox
 * @property {HTMLElement} panel
 * @property {HTMLElement} badge
 * @property {HTMLElement} status
 * @property {HTMLElement} button
 */

const GAP_PIXELS = 8;
const HEIGHT_PIXELS = 620;
const MINIMUM_HEIGHT_PIXELS = 320;
/** Those of the inbox inside, which a page can style through the bell. */
const INBOX_PARTS = "heading, feed, row, sign, title, message, dot, action";
const COUNT_IN_TITLE = /^\(\d+\+?\) /;

/**
 * Attributes: `count` (`unseen`, or `unread`), `title-count` (put it into the page's title),
 * `favicon-dot` (on the page's icon), `app-badge` (on the installed app), `page` (the address of a
 * page with all notifications). Parts: `button`, `badge`, `panel`, and those of the inbox.
 */
export class Bell extends TidingsElement {
    #parts = /** @type {BellParts} */ ({});
    #favicon = new Favicon();

    createRenderRoot() {
        const inbox = this.#createInbox();
        const panel = this.#createPanel(inbox);
        const badge = createNode("span", {
            ...{ class: "badge", part: "badge", "aria-hidden": "true", hidden: true },
        });
        const status = createNode("span", { class: "visually-hidden", role: "status" });
        const button = createNode(
            "button",
            {
                ...{ class: "bell", type: "button", part: "button" },
                ...{ "aria-haspopup": "dialog", "aria-expanded": "false" },
                onclick: () => panel.togglePopover(),
            },
            createIcon("bell"),
            badge,
        );
        this.#parts = { inbox, panel, badge, status, button };
        this.root.append(button, status, panel);
    }

    connected() {
        const signal = this.disconnectSignal;
        addEventListener("resize", () => this.open && this.#placePanel(), { signal });
        signal.addEventListener("abort", () => {
            this.#updateTitle(0);
            this.#updateFavicon(false);
        });
    }

    /** @param {Tidings} client @param {AbortSignal} signal */
    clientChanged(client, signal) {
        Alerts.forClient(client);
        const ring = (/** @type {Event} */ event) => {
            if (/** @type {CustomEvent} */ (event).detail.live) this.#ring();
        };
        client.addEventListener("notification", ring, { signal });
    }

    render() {
        const { client } = this;
        const { badge, button, status, inbox } = this.#parts;
        const isUnread = this.getAttribute("count") === "unread";
        const count = client?.counts[isUnread ? "unread" : "unseen"] ?? 0;
        const someNew = this.text(isUnread ? "bellUnread" : "bell", { count });
        badge.hidden = count === 0;
        setText(badge, cappedCount(count));
        badge.classList.toggle("wide", count > 9);
        button.setAttribute("aria-label", count ? someNew : this.text("bellNone"));
        button.dataset.state = client?.state ?? "offline";
        if (client?.cursor) setText(status, count ? someNew : "");
        if (inbox.client !== client) inbox.client = client;
        this.#updateTitle(count);
        this.#updateFavicon(count > 0);
        this.#updateAppBadge(count);
    }

    /** Whether the inbox is open. */
    get open() {
        return this.#parts.panel.matches(":popover-open");
    }

    #createInbox() {
        const inbox = /** @type {Inbox} */ (document.createElement("tidings-inbox"));
        inbox.setAttribute("closable", "");
        inbox.setAttribute("exportparts", INBOX_PARTS);
        if (this.hasAttribute("page")) inbox.setAttribute("page", this.getAttribute("page") ?? "");
        return inbox;
    }

    /** @param {Inbox} inbox */
    #createPanel(inbox) {
        const attributes = { class: "panel", popover: "auto", role: "dialog", part: "panel" };
        const label = { "aria-label": this.text("title") };
        const panel = createNode("div", { ...attributes, ...label }, inbox);
        const opens = (/** @type {Event} */ event) =>
            /** @type {ToggleEvent} */ (event).newState === "open";
        inbox.addEventListener("tidings-close", () => panel.hidePopover());
        panel.addEventListener("toggle", (event) => this.#handleToggle(opens(event)));
        panel.addEventListener("beforetoggle", (event) => {
            if (opens(event)) this.#prepareInbox();
        });
        return panel;
    }

    /** Hand on what was set on the bell since it was made. */
    #prepareInbox() {
        const { inbox } = this.#parts;
        const { language } = this.messages;
        if (inbox.getAttribute("lang") !== language) inbox.setAttribute("lang", language);
        inbox.words = this.words;
        inbox.client = this.client;
    }

    /** @param {boolean} open */
    #handleToggle(open) {
        const { button, inbox } = this.#parts;
        button.setAttribute("aria-expanded", String(open));
        const options = { detail: { open }, bubbles: true, composed: true };
        this.dispatchEvent(new CustomEvent("tidings-toggle", options));
        if (!open) {
            if (this.root.activeElement) button.focus();
            return;
        }
        this.#placePanel();
        inbox.requestUpdate();
        requestAnimationFrame(() => inbox.focus());
    }

    /** Place the panel below the button; it covers the button only in a very low window. */
    #placePanel() {
        const { button, panel } = this.#parts;
        const place = button.getBoundingClientRect();
        const width = panel.offsetWidth;
        const isRightToLeft = getComputedStyle(this).direction === "rtl";
        const left = isRightToLeft ? place.left : place.right - width;
        const lowestTop = innerHeight - MINIMUM_HEIGHT_PIXELS - GAP_PIXELS;
        const top = Math.max(GAP_PIXELS, Math.min(place.bottom + GAP_PIXELS, lowestTop));
        const rightmost = innerWidth - width - GAP_PIXELS;
        panel.style.left = `${Math.max(GAP_PIXELS, Math.min(rightmost, left))}px`;
        panel.style.top = `${top}px`;
        panel.style.height = `${Math.min(HEIGHT_PIXELS, innerHeight - top - GAP_PIXELS)}px`;
    }

    /** Restart the animation: the class must be gone for a frame. */
    #ring() {
        const { button } = this.#parts;
        button.classList.remove("rings");
        requestAnimationFrame(() => button.classList.add("rings"));
    }

    /**
     * Put the count before the page's title, which the page may have changed meanwhile.
     * @param {number} count
     */
    #updateTitle(count) {
        if (!this.hasAttribute("title-count")) return;
        const plain = document.title.replace(COUNT_IN_TITLE, "");
        const title = count ? `(${cappedCount(count)}) ${plain}` : plain;
        if (document.title !== title) document.title = title;
    }

    /** @param {boolean} hasNew */
    #updateFavicon(hasNew) {
        const getColour = () => getComputedStyle(this.#parts.badge).backgroundColor;
        this.#favicon.setDot(hasNew && this.hasAttribute("favicon-dot"), getColour);
    }

    /** @param {number} count */
    #updateAppBadge(count) {
        if (!this.hasAttribute("app-badge") || !navigator.setAppBadge) return;
        const update = count ? navigator.setAppBadge(count) : navigator.clearAppBadge();
        update.catch(() => {}); // the page is not installed as an app
    }
}
