// Element: what all elements share: a client, texts in a language, and one render a frame.

import { Tidings } from "../client.js";
import { languageAround } from "./dom.js";
import { Messages } from "./messages.js";
import { elementStyles } from "./styles/index.js";

/** @import {Message, MessageName} from "./messages.js" */

/** On a server there are no elements; what imports this module there renders only their names. */
const BaseElement = globalThis.HTMLElement ?? /** @type {typeof HTMLElement} */ (class {});

/**
 * Attributes: `lang`, `theme` (`light`, `dark`, `auto`; by default that of the page).
 * Properties: `client`, `words`.
 *
 * The methods that an element overrides have the names of Lit's, though it is not used here.
 */
export class TidingsElement extends BaseElement {
    static observedAttributes = ["lang", "theme", "count"];

    /** @type {Tidings | null} */ #client = null;
    /** @type {Partial<Record<MessageName, Message>>} */ #words = {};
    /** Aborted when the element leaves the page. */ #disconnected = new AbortController();
    /** Aborted when another client takes this one's place. */ #clientReplaced =
        new AbortController();
    #isRenderRequested = false;
    #hasRoot = false;
    messages = new Messages("en");
    root = this.attachShadow({ mode: "open" });

    constructor() {
        super();
        this.root.adoptedStyleSheets = [elementStyles()];
    }

    /** The client given to this element, else the one made last in the page. */
    get client() {
        return this.#client ?? Tidings.current;
    }

    set client(client) {
        this.#client = client;
        if (this.isConnected) this.#attachClient();
    }

    /** The edge's time in ms since 1970; without a client the browser's. */
    get now() {
        return this.client?.now ?? Date.now();
    }

    /** Texts of the page's own, by their names in `messages.js`. */
    set words(/** @type {Partial<Record<MessageName, Message>>} */ words) {
        this.#words = words;
        this.attributeChangedCallback();
    }

    get words() {
        return this.#words;
    }

    /** Aborted when the element leaves the page. */
    get disconnectSignal() {
        return this.#disconnected.signal;
    }

    connectedCallback() {
        this.#disconnected = new AbortController();
        this.#loadMessages();
        if (!this.#hasRoot) this.createRenderRoot();
        this.#hasRoot = true;
        const useCurrent = () => this.#client ?? this.#attachClient();
        const { signal } = this.#disconnected;
        document.addEventListener("tidings-current", useCurrent, { signal });
        this.connected();
        this.#attachClient();
    }

    disconnectedCallback() {
        this.#disconnected.abort();
        this.#clientReplaced.abort();
    }

    attributeChangedCallback() {
        if (!this.#hasRoot) return;
        this.#loadMessages();
        this.root.replaceChildren();
        this.createRenderRoot();
        this.render();
    }

    /**
     * Return a text in the element's language.
     * @param {MessageName} name
     * @param {Record<string, string | number>} [values]
     */
    text(name, values) {
        return this.messages.text(name, values);
    }

    /** Render before the next frame. */
    requestUpdate() {
        if (this.#isRenderRequested) return;
        this.#isRenderRequested = true;
        const render = () => {
            this.#isRenderRequested = false;
            if (this.isConnected) this.render();
        };
        // Hidden pages have no animation frames, but the title and the badge must follow there,
        // too.
        if (document.hidden) setTimeout(render, 200);
        else requestAnimationFrame(render);
    }

    /** Fill the shadow root; called again when the language changes. */
    createRenderRoot() {}

    /** Listen to the page, until `disconnectSignal`. */
    connected() {}

    /**
     * Listen to a client, until the signal.
     * @param {Tidings} _client
     * @param {AbortSignal} _signal
     */
    clientChanged(_client, _signal) {}

    /** Show the client's state. */
    render() {}

    #loadMessages() {
        const language = languageAround(this) ?? navigator.language;
        this.messages = new Messages(language, this.#words);
    }

    #attachClient() {
        this.#clientReplaced.abort();
        this.#clientReplaced = new AbortController();
        const { client } = this;
        if (!client) return this.requestUpdate();
        const { signal } = this.#clientReplaced;
        client.addEventListener("change", () => this.requestUpdate(), { signal });
        client.addEventListener("state", () => this.requestUpdate(), { signal });
        this.clientChanged(client, signal);
        this.render();
    }
}
