// Bell: a button that says how many are new, and opens the inbox.

import { Alerts } from "./alerts.js";
import { make, say } from "./dom.js";
import { TidingsElement } from "./element.js";
import { Favicon } from "./favicon.js";
import { capped } from "./format.js";
import { icon } from "./icons.js";

/** @import {Tidings} from "./client.js" */
/** @import {Inbox} from "./inbox.js" */

const GAP_PIXELS = 8;
const HEIGHT_PIXELS = 620;
const LEAST_PIXELS = 320;
const COUNTED = /^\(\d+\+?\) /;

/**
 * Attributes: `count` (`unseen`, or `unread`); `title-count` puts it into the page's title, `favicon-dot` a dot on the page's icon, `app-badge` it on the installed app; `page` is where all are to be seen.
 * Parts: `button`, `badge`, `panel`.
 */
export class Bell extends TidingsElement {
    /** @type {any} */ #parts = {};
    #favicon = new Favicon();

    build() {
        const inbox = /** @type {Inbox} */ (document.createElement("tidings-inbox"));
        const panel = make("div", { class: "panel", popover: "auto", role: "dialog", part: "panel", "aria-label": this.say("title") }, inbox);
        const badge = make("span", { class: "badge", part: "badge", "aria-hidden": "true", hidden: true });
        const status = make("span", { class: "unseen", role: "status" });
        const button = make("button", { class: "bell", type: "button", part: "button", "aria-haspopup": "dialog", "aria-expanded": "false", onclick: () => panel.togglePopover() }, icon("bell"), badge);
        inbox.setAttribute("closable", "");
        if (this.hasAttribute("page")) inbox.setAttribute("page", this.getAttribute("page") ?? "");
        inbox.addEventListener("tidings-close", () => panel.hidePopover());
        panel.addEventListener("toggle", (event) => this.#toggled(/** @type {ToggleEvent} */ (event).newState === "open"));
        panel.addEventListener("beforetoggle", (event) => /** @type {ToggleEvent} */ (event).newState === "open" && this.#fill());
        this.#parts = { inbox, panel, badge, status, button };
        this.root.append(button, status, panel);
    }

    arrived() {
        addEventListener("resize", () => this.open && this.#place(), { signal: this.leaving.signal });
        this.leaving.signal.addEventListener("abort", () => (this.#entitle(0), this.#dot(false)));
    }

    /** @param {Tidings} client @param {AbortSignal} signal */
    met(client, signal) {
        Alerts.of(client);
        const ring = (/** @type {Event} */ event) => /** @type {CustomEvent} */ (event).detail.live && this.#ring();
        client.addEventListener("notification", ring, { signal });
    }

    draw() {
        const { client } = this;
        const { badge, button, status, inbox } = this.#parts;
        const unread = this.getAttribute("count") === "unread";
        const count = client?.counts[unread ? "unread" : "unseen"] ?? 0;
        const words = count ? this.say(unread ? "bellUnread" : "bell", { count }) : this.say("bellNone");
        badge.hidden = count === 0;
        say(badge, capped(count));
        button.setAttribute("aria-label", words);
        button.dataset.state = client?.state ?? "offline";
        if (client?.cursor) say(status, count ? words : "");
        if (inbox.client !== client) inbox.client = client;
        this.#elsewhere(count);
    }

    /** Whether the inbox is open. */
    get open() {
        return this.#parts.panel.matches(":popover-open");
    }

    #fill() {
        const { inbox } = this.#parts;
        const { language } = this.tongue;
        if (inbox.getAttribute("lang") !== language) inbox.setAttribute("lang", language);
        inbox.words = this.words;
        inbox.client = this.client;
    }

    /** @param {boolean} open */
    #toggled(open) {
        const { button, inbox } = this.#parts;
        button.setAttribute("aria-expanded", String(open));
        this.dispatchEvent(new CustomEvent("tidings-toggle", { detail: { open }, bubbles: true, composed: true }));
        if (!open) return void (this.root.activeElement && button.focus());
        this.#place();
        inbox.redraw();
        requestAnimationFrame(() => inbox.focus());
    }

    /** Below the button, as high as there is room; over it only where there is next to none. */
    #place() {
        const { button, panel } = this.#parts;
        const place = button.getBoundingClientRect();
        const width = panel.offsetWidth;
        const left = getComputedStyle(this).direction === "rtl" ? place.left : place.right - width;
        const top = Math.max(GAP_PIXELS, Math.min(place.bottom + GAP_PIXELS, innerHeight - LEAST_PIXELS - GAP_PIXELS));
        panel.style.left = `${Math.max(GAP_PIXELS, Math.min(innerWidth - width - GAP_PIXELS, left))}px`;
        panel.style.top = `${top}px`;
        panel.style.height = `${Math.min(HEIGHT_PIXELS, innerHeight - top - GAP_PIXELS)}px`;
    }

    #ring() {
        const { button } = this.#parts;
        button.classList.remove("rings");
        requestAnimationFrame(() => button.classList.add("rings"));
    }

    /** Put it before whatever the page's title is by now. @param {number} count */
    #entitle(count) {
        if (!this.hasAttribute("title-count")) return;
        const title = document.title.replace(COUNTED, "");
        const counted = count ? `(${capped(count)}) ${title}` : title;
        if (document.title !== counted) document.title = counted;
    }

    /** @param {boolean} dotted */
    #dot(dotted) {
        this.#favicon.show(dotted && this.hasAttribute("favicon-dot"), () => getComputedStyle(this.#parts.badge).backgroundColor);
    }

    /** @param {number} count */
    #elsewhere(count) {
        this.#entitle(count);
        this.#dot(count > 0);
        if (!this.hasAttribute("app-badge") || !navigator.setAppBadge) return;
        (count ? navigator.setAppBadge(count) : navigator.clearAppBadge()).catch(() => {});
    }
}
