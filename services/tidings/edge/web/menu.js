// Menu: what opens above the page at a button, and gives the focus back to it (WAI-ARIA, menu pattern).

import { make } from "./dom.js";

const GAP_PIXELS = 4;
const EDGE_PIXELS = 8;

export class Menu {
    element = make("div", { class: "menu", popover: "auto" });
    #returns;
    /** @type {HTMLElement[]} */ #places = [];

    /** @param {(button: HTMLElement) => HTMLElement | null} returns what stands by now where a button stood */
    constructor(returns) {
        this.#returns = returns;
        this.element.addEventListener("keydown", (event) => this.#walk(event));
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
        element.ontoggle = (event) => /** @type {ToggleEvent} */ (event).newState === "closed" && this.#closed(button);
        button.setAttribute("aria-expanded", "true");
        element.showPopover();
        this.#place(button);
        this.#places = [...element.querySelectorAll("button, input")].map((each) => /** @type {HTMLElement} */ (each));
        this.#places[0]?.focus();
    }

    close() {
        this.element.hidePopover();
    }

    /**
     * What can be chosen in it.
     * @param {string} words
     * @param {Node | string} aside
     * @param {() => void} work
     */
    item(words, aside, work) {
        const onclick = () => (this.close(), work());
        return make("button", { type: "button", role: "menuitem", onclick }, make("span", {}, words), typeof aside === "string" ? make("span", {}, aside) : aside);
    }

    /** @param {HTMLElement} button */
    #closed(button) {
        button.setAttribute("aria-expanded", "false");
        this.#returns(button)?.focus();
    }

    /** Below the button, or above it where there is no room. @param {HTMLElement} button */
    #place(button) {
        const place = button.getBoundingClientRect();
        const { width, height } = this.element.getBoundingClientRect();
        const below = place.bottom + GAP_PIXELS;
        const top = below + height > innerHeight ? Math.max(EDGE_PIXELS, place.top - height) : below;
        const left = Math.max(EDGE_PIXELS, Math.min(innerWidth - width - EDGE_PIXELS, place.right - width));
        Object.assign(this.element.style, { top: `${top}px`, left: `${left}px` });
    }

    /** Arrows move from one to the next, and around; no other key reaches the page. @param {KeyboardEvent} event */
    #walk(event) {
        const by = { ArrowDown: 1, ArrowUp: -1 }[event.key];
        event.stopPropagation();
        if (!by) return;
        const at = this.#places.findIndex((each) => each.matches(":focus"));
        this.#places[(at + by + this.#places.length) % this.#places.length].focus();
        event.preventDefault();
    }
}
