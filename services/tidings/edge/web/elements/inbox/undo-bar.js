// Undo bar: says for a while what was just done, with a button that undoes it.

import { createNode } from "../dom.js";

const SHOWN_MILLISECONDS = 7000;

export class UndoBar {
    element = createNode("div", { class: "undo-bar", hidden: true });
    /** @type {ReturnType<typeof setTimeout> | undefined} */ #timer;

    /**
     * @param {string} text
     * @param {{label: string, onclick: () => void} | null} button
     */
    show(text, button) {
        const attributes = { type: "button", onclick: button?.onclick };
        this.element.replaceChildren(
            createNode("span", {}, text),
            ...(button ? [createNode("button", attributes, button.label)] : []),
        );
        this.element.hidden = false;
        clearTimeout(this.#timer);
        this.#timer = setTimeout(() => this.hide(), SHOWN_MILLISECONDS);
    }

    hide() {
        this.element.hidden = true;
    }
}
