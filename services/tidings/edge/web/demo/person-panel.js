// Person panel: one of the two people: bell and inbox, connection, and the switch that cuts it.

import "../elements.js";
import { missedCount, renderBeads } from "./beads.js";
import { CuttableClient } from "./cuttable-client.js";
import { signIn } from "./demo-api.js";
import { absenceText, displayName, returnText } from "./phrases.js";

/** @import {Tidings} from "../client.js" */
/** @import {Notification} from "../client/protocol.js" */
/** @import {Story} from "./demo-api.js" */
/** @import {Run} from "./run.js" */

const TITLES_LIMIT = 6;
const PREFERS_REDUCED_MOTION = matchMedia("(prefers-reduced-motion: reduce)");

/**
 * Events: `delivered` when something arrives live, `cut` when the connection is cut or restored,
 * `choose` (its `detail` is a user) when another user is chosen for this panel.
 */
export class PersonPanel extends EventTarget {
    #element;
    /** @type {Story | null} */ #story = null;
    /** @type {Run | null} */ #run = null;
    /** The person's own connection, which can be cut. @type {CuttableClient | null} */
    #client = null;
    /** Has the whole log while the connection is cut. @type {Tidings | null} */ #observer = null;
    /** What arrived after the connection was restored. @type {Notification[]} */ #late = [];
    #missed = 0;
    #left = new AbortController();
    user = "";
    /** The person's language. */ lang = "en";
    isCut = false;

    /** @param {HTMLElement} element */
    constructor(element) {
        super();
        this.#element = element;
        const template = /** @type {HTMLTemplateElement} */ (document.querySelector("#person"));
        element.append(template.content.cloneNode(true));
        this.#find(".cut").addEventListener("click", () => this.setConnected(this.isCut));
        this.#find("select").addEventListener("change", () =>
            this.dispatchEvent(new CustomEvent("choose", { detail: this.#select.value })),
        );
    }

    /**
     * Show a person of a story.
     * @param {Run} run
     * @param {Story} story
     * @param {string} user
     * @param {string} otherUser who is in the other panel
     */
    showPerson(run, story, user, otherUser) {
        this.#fillSelect(story, user, otherUser);
        if (this.#run === run && this.#story === story && this.user === user) return;
        this.close();
        [this.#run, this.#story] = [run, story];
        this.user = user;
        this.isCut = false;
        const client = this.#connectClient("");
        this.#client = client;
        this.#introduce(story, client);
        this.#listenTo(client);
        this.#render();
        this.dispatchEvent(new Event("cut"));
    }

    /** The person's own connection. */
    get client() {
        return this.#client;
    }

    /** Return the title of a notification, also of one that the person has not got. */
    titleOf(/** @type {string} */ id) {
        return (this.#observer?.find(id) ?? this.#client?.find(id))?.title;
    }

    /** Read all there is in the bell. */
    readAll() {
        this.setConnected(true);
        this.#client?.markAll();
    }

    /** Close all connections. */
    close() {
        this.#left.abort();
        this.#left = new AbortController();
        this.#client?.close();
        this.#observer?.close();
        this.#observer = null;
    }

    /** Cut the connection, or restore it. @param {boolean} isConnected */
    setConnected(isConnected) {
        if (isConnected !== this.isCut) return;
        this.isCut = !isConnected;
        this.#late = [];
        if (this.#client) this.#client.isCut = this.isCut;
        if (this.isCut) this.#cutConnection();
        else this.#client?.connect();
        this.#render();
        this.dispatchEvent(new Event("cut"));
    }

    /** @param {Story} story @param {Tidings} client */
    #introduce({ people, locales }, client) {
        const lang = locales[this.user] ?? "en";
        this.lang = lang;
        this.#find(".face").textContent = this.user[0].toUpperCase();
        Object.assign(this.#find(".role"), { textContent: people[this.user], lang });
        this.#find(".band").hidden = true;
        for (const element of this.#element.querySelectorAll("tidings-bell, tidings-inbox"))
            Object.assign(element, { client, lang });
    }

    /** @param {string} suffix separates what the person's two clients keep in the browser */
    #connectClient(suffix) {
        const { name } = /** @type {Story} */ (this.#story);
        const run = /** @type {Run} */ (this.#run);
        const user = this.user;
        const client = new CuttableClient({
            account: `demo ${run.name} ${name} ${user}${suffix}`,
            share: "off",
            device: "stage",
            getToken: () => signIn(run, name, user),
        });
        client.connect();
        return client;
    }

    /** Wait until the person is connected. @param {AbortSignal} signal ends the waiting */
    async untilLive(signal) {
        const client = this.#client;
        while (client && client.state !== "live" && !signal.aborted)
            await new Promise((resolve) => {
                client.addEventListener("state", resolve, { once: true, signal });
                signal.addEventListener("abort", resolve, { once: true });
            });
    }

    /** Bring the panel into sight, where the page is longer than the window. */
    scrollIntoSight() {
        const behavior = PREFERS_REDUCED_MOTION.matches ? "auto" : "smooth";
        this.#element.scrollIntoView({ block: "nearest", behavior });
    }

    /** @param {Tidings} client */
    #listenTo(client) {
        const { signal } = this.#left;
        const listen = (
            /** @type {string} */ name,
            /** @type {(detail: any) => void} */ listener,
        ) =>
            client.addEventListener(
                name,
                (event) => listener(/** @type {CustomEvent} */ (event).detail),
                { signal },
            );
        listen("change", () => this.#render());
        listen("state", () => this.#render());
        listen("notification", (detail) => this.#handleNotification(detail));
        listen("caughtup", ({ milliseconds }) => this.#reportReturn(milliseconds));
    }

    /** Disconnect; another client then reads what the person misses. */
    #cutConnection() {
        this.#client?.disconnect();
        this.#observer?.close();
        this.#observer = this.#connectClient(" as a whole");
        const { signal } = this.#left;
        this.#observer.addEventListener("change", () => this.#render(), { signal });
    }

    /** @param {{notification: Notification, live: boolean}} detail */
    #handleNotification({ notification, live }) {
        if (!live) {
            this.#late.push(notification);
            return;
        }
        this.#find(".band").hidden = true;
        this.dispatchEvent(new CustomEvent("delivered", { detail: notification }));
    }

    /** @param {number} milliseconds how long catching up took */
    #reportReturn(milliseconds) {
        if (!this.#observer || this.isCut) return;
        // The observer may be behind what has just been delivered.
        const count = Math.max(this.#missed, this.#late.length);
        this.#observer.close();
        this.#observer = null;
        this.#renderBand(returnText(count, this.#late.length, milliseconds), this.#late);
    }

    #render() {
        const client = this.#client;
        if (!client) return;
        const observer = this.#observer ?? client;
        this.#element.dataset.state = this.isCut ? "cut" : client.state;
        this.#find(".cut").setAttribute("aria-checked", String(!this.isCut));
        renderBeads(this.#find(".beads"), displayName(this.user), observer, client);
        if (!this.isCut) return;
        this.#missed = missedCount(observer, client);
        this.#renderBand(absenceText(this.#missed), []);
    }

    /**
     * Say how the person's absence is, or was.
     * @param {string} title
     * @param {Notification[]} late
     */
    #renderBand(title, late) {
        const band = this.#find(".band");
        const heading = this.#find(".band h3");
        const list = /** @type {HTMLOListElement} */ (this.#find(".band ol"));
        if (heading.textContent === title && !band.hidden) return;
        heading.textContent = title;
        list.replaceChildren(...late.slice(-TITLES_LIMIT).map(createTitle));
        list.start = Math.max(1, late.length - TITLES_LIMIT + 1);
        band.hidden = false;
    }

    /** @param {Story} story @param {string} user @param {string} otherUser */
    #fillSelect({ people }, user, otherUser) {
        const users = Object.keys(people).filter((name) => name !== otherUser);
        const options = users.map(
            (name) => new Option(displayName(name), name, false, name === user),
        );
        this.#select.replaceChildren(...options);
        this.#select.disabled = users.length < 2;
    }

    get #select() {
        return /** @type {HTMLSelectElement} */ (this.#find("select"));
    }

    /** @param {string} selector @returns {HTMLElement} */
    #find(selector) {
        return /** @type {HTMLElement} */ (this.#element.querySelector(selector));
    }
}

/** @param {Notification} notification @param {number} index */
function createTitle({ title, message }, index) {
    const item = document.createElement("li");
    item.title = item.textContent = `${title}: ${message}`;
    item.style.setProperty("--at", String(index));
    return item;
}
