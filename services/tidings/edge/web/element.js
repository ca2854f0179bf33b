// Element: what all elements have in common: a client, words in a language, and drawing no more than once a frame.

import { Tidings } from "./client.js";
import { look } from "./look.js";
import { Words } from "./words.js";

/** @import {Name, Word} from "./words.js" */

/** Attributes: `lang`, `theme` (`light`, `dark`, `auto`; without it, that of the page). Properties: `client`, `words`. */
export class TidingsElement extends HTMLElement {
    static observedAttributes = ["lang", "theme", "count"];

    /** @type {Tidings | null} */ #client = null;
    /** @type {Partial<Record<Name, Word>>} */ #own = {};
    /** Ends with the element's time in the page. */ leaving = new AbortController();
    /** Ends when another client takes this one's place. */ #parting = new AbortController();
    #drawing = false;
    #built = false;
    tongue = new Words("en");
    root = this.attachShadow({ mode: "open" });

    constructor() {
        super();
        this.root.adoptedStyleSheets = [look()];
    }

    get client() {
        return this.#client ?? Tidings.current;
    }

    set client(client) {
        this.#client = client;
        if (this.isConnected) this.#meet();
    }

    /** Words of the page's own, by their names in `words.js`. */
    set words(/** @type {Partial<Record<Name, Word>>} */ words) {
        this.#own = words;
        this.attributeChangedCallback();
    }

    get words() {
        return this.#own;
    }

    connectedCallback() {
        this.leaving = new AbortController();
        this.#speak();
        if (!this.#built) this.build();
        this.#built = true;
        document.addEventListener("tidings-current", () => this.#client ?? this.#meet(), { signal: this.leaving.signal });
        this.arrived();
        this.#meet();
    }

    disconnectedCallback() {
        this.leaving.abort();
        this.#parting.abort();
    }

    attributeChangedCallback() {
        if (!this.#built) return;
        this.#speak();
        this.root.replaceChildren();
        this.build();
        this.draw();
    }

    /**
     * Say something in the element's language.
     * @param {Name} name
     * @param {Record<string, string | number>} [filled]
     */
    say(name, filled) {
        return this.tongue.say(name, filled);
    }

    /** Draw before the next frame; a page out of sight draws now and then. */
    redraw() {
        if (this.#drawing) return;
        this.#drawing = true;
        const draw = () => {
            this.#drawing = false;
            if (this.isConnected) this.draw();
        };
        if (document.hidden) setTimeout(draw, 200);
        else requestAnimationFrame(draw);
    }

    /** Make what is in the shadow; done again when the language changes. */
    build() {}

    /** Listen to the page, for as long as `leaving` lasts. */
    arrived() {}

    /**
     * Listen to a client, for as long as the signal lasts.
     * @param {Tidings} _client
     * @param {AbortSignal} _signal
     */
    met(_client, _signal) {}

    /** Show how everything stands. */
    draw() {}

    #speak() {
        const language = this.getAttribute("lang") ?? this.closest("[lang]")?.getAttribute("lang") ?? navigator.language;
        this.tongue = new Words(language, this.#own);
    }

    #meet() {
        this.#parting.abort();
        this.#parting = new AbortController();
        const { client } = this;
        if (!client) return this.redraw();
        client.addEventListener("change", () => this.redraw(), { signal: this.#parting.signal });
        client.addEventListener("state", () => this.redraw(), { signal: this.#parting.signal });
        this.met(client, this.#parting.signal);
        this.draw();
    }
}
