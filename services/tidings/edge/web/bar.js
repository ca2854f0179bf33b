// Bar: what was just done, and for a while how to take it back.

import { make } from "./dom.js";

const SHOWN_MILLISECONDS = 7000;

export class Bar {
    element = make("div", { class: "bar", hidden: true });
    /** @type {ReturnType<typeof setTimeout> | undefined} */ #going;

    /**
     * @param {string} words
     * @param {{words: string, work: () => void} | null} undo
     */
    show(words, undo) {
        const button = undo && make("button", { type: "button", onclick: undo.work }, undo.words);
        this.element.replaceChildren(make("span", {}, words), ...(button ? [button] : []));
        this.element.hidden = false;
        clearTimeout(this.#going);
        this.#going = setTimeout(() => this.hide(), SHOWN_MILLISECONDS);
    }

    hide() {
        this.element.hidden = true;
    }
}
