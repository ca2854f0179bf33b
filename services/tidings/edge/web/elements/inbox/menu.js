// Menu: opens above the page at a button, and gives the focus back to it (WAI-ARIA, menu pattern).

import { createNode } from "../dom.js";

const GAP_PIXELS = 4;
const MARGIN_PIXELS = 8;

export class Menu {
    element = createNode("div", { class: "menu", popover: "auto", tabindex: "-1" });
    #findFocusTarget;
    /** @type {HTMLElement[]} */ #items = [];

    /**
     * @param {(button: HTMLElement) => HTMLElement | null} findFocusTarget what gets the focus
     *     after closing; the button may be gone by then
     */
    constructor(findFocusTarget) {
        this.#findFocusTarget = findFocusTarget;
        this.element.addEventListener("keydown", (event) => this.#handleKey(event));
    }

    /**
     * @param {HTMLElement} button where it opens
     * @param {"menu" | "dialog"} role
     * @param {string} label
     * @param {HTMLElement[]} children
     */
    open(button, role, label, children) {
        const { element } = this;
        element.setAttribute("role", role);
        element.setAttribute("aria-label", label);
        element.replaceChildren(...children);
        element.ontoggle = (event) => {
            if (/** @type {ToggleEvent} */ (event).newState === "closed") this.#returnFocus(button);
        };
        button.setAttribute("aria-expanded", "true");
        element.showPopover();
        this.#placeAt(button);
        this.#items = [...element.querySelectorAll("button, input")].map(
            (item) => /** @type {HTMLElement} */ (item),
        );
        // What has nothing to choose is read out, and closed by Escape.
        (this.#items[0] ?? element).focus();
    }

    /** Find room again, after what is in it has changed. @param {HTMLElement} button */
    updatePlace(button) {
        if (this.element.matches(":popover-open")) this.#placeAt(button);
    }

    close() {
        this.element.hidePopover();
    }

    /**
     * Create something that can be chosen.
     * @param {string} label
     * @param {Node | string} aside
     * @param {() => void} work
     */
    createItem(label, aside, work) {
        const onclick = () => {
            this.close();
            work();
        };
        const end = typeof aside === "string" ? createNode("span", {}, aside) : aside;
        const attributes = { type: "button", role: "menuitem", onclick };
        return createNode("button", attributes, createNode("span", {}, label), end);
    }

    /** @param {HTMLElement} button */
    #returnFocus(button) {
        button.setAttribute("aria-expanded", "false");
        this.#findFocusTarget(button)?.focus();
    }

    /** Place it below the button, or above where there is no room. @param {HTMLElement} button */
    #placeAt(button) {
        const place = button.getBoundingClientRect();
        const { width, height } = this.element.getBoundingClientRect();
        const below = place.bottom + GAP_PIXELS;
        const above = Math.max(MARGIN_PIXELS, place.top - height);
        const top = below + height > innerHeight ? above : below;
        const rightmost = innerWidth - width - MARGIN_PIXELS;
        const left = Math.max(MARGIN_PIXELS, Math.min(rightmost, place.right - width));
        Object.assign(this.element.style, { top: `${top}px`, left: `${left}px` });
    }

    /**
     * Move from one item to the next, and around; other keys must not reach the list.
     * @param {KeyboardEvent} event
     */
    #handleKey(event) {
        const by = { ArrowDown: 1, ArrowUp: -1 }[event.key];
        event.stopPropagation();
        if (!by || !this.#items.length) return;
        const count = this.#items.length;
        const index = this.#items.findIndex((item) => item.matches(":focus"));
        this.#items[(index + by + count) % count].focus();
        event.preventDefault();
    }
}
