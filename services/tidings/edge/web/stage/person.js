// Person: one of the two people on the stage: who it is, their bell and inbox, their connection, and the switch that cuts it.

import { connect } from "../client.js";
import "../elements.js";
import { beads, missed } from "./beads.js";
import { signIn } from "./programme.js";
import { away, back, named } from "./words.js";

/** @import {Tidings} from "../client.js" */
/** @import {Notification} from "../protocol.js" */
/** @import {Play} from "./programme.js" */

const TITLES_LIMIT = 6;

/** Tells by `told` of what arrives live, by `cut` how its connection is, and by `chosen` that somebody else shall stand here. */
export class Person extends EventTarget {
    #place;
    /** @type {Play | null} */ #play = null;
    /** @type {Tidings | null} */ #own = null;
    /** @type {Tidings | null} */ #whole = null; // only while the connection is cut
    /** @type {Notification[]} */ #late = [];
    #missed = 0;
    #leaving = new AbortController();
    user = "";
    cut = false;

    /** @param {HTMLElement} place */
    constructor(place) {
        super();
        this.#place = place;
        const template = /** @type {HTMLTemplateElement} */ (document.querySelector("#person"));
        place.append(template.content.cloneNode(true));
        this.#part(".cut").addEventListener("click", () => this.connect(this.cut));
        this.#part("select").addEventListener("change", () => this.dispatchEvent(new CustomEvent("chosen", { detail: this.#select.value })));
    }

    /**
     * Stand here as somebody of a story; the other one is `beside`.
     * @param {Play} play
     * @param {string} user
     * @param {string} beside
     */
    as(play, user, beside) {
        this.#offer(play, user, beside);
        if (this.#play === play && this.user === user) return;
        this.leave();
        this.#play = play;
        this.user = user;
        this.cut = false;
        this.#own = this.#connected("");
        this.#introduce(play, this.#own);
        this.#listen(this.#own);
        this.#draw();
        this.dispatchEvent(new Event("cut"));
    }

    /** Be gone, with all connections. */
    leave() {
        this.#leaving.abort();
        this.#leaving = new AbortController();
        this.#own?.close();
        this.#whole?.close();
        this.#whole = null;
    }

    /** Cut the connection, or let it come back. @param {boolean} on */
    connect(on) {
        if (on !== this.cut) return;
        this.cut = !on;
        this.#late = [];
        if (this.cut) this.#away();
        else this.#own?.connect();
        this.#draw();
        this.dispatchEvent(new Event("cut"));
    }

    /** @param {Play} play @param {Tidings} client */
    #introduce({ people, locales }, client) {
        const lang = locales[this.user] ?? "en";
        this.#part(".face").textContent = this.user[0].toUpperCase();
        Object.assign(this.#part(".role"), { textContent: people[this.user], lang });
        this.#part(".band").hidden = true;
        for (const element of this.#place.querySelectorAll("tidings-bell, tidings-inbox")) Object.assign(element, { client, lang });
    }

    /** @param {string} which */
    #connected(which) {
        const { name, tenant } = /** @type {Play} */ (this.#play);
        const user = this.user;
        return connect({ account: `${tenant}/${user}${which}`, share: "off", device: "stage", getToken: () => signIn(name, user) });
    }

    /** @param {Tidings} own */
    #listen(own) {
        const signal = this.#leaving.signal;
        own.addEventListener("change", () => this.#draw(), { signal });
        own.addEventListener("state", () => this.#draw(), { signal });
        own.addEventListener("notification", (event) => this.#take(/** @type {CustomEvent} */ (event).detail), { signal });
        own.addEventListener("caughtup", (event) => this.#return(/** @type {CustomEvent} */ (event).detail.milliseconds), { signal });
    }

    /** While nothing reaches them, what their log holds is asked for apart. */
    #away() {
        this.#own?.disconnect();
        this.#whole?.close();
        this.#whole = this.#connected(" as a whole");
        this.#whole.addEventListener("change", () => this.#draw(), { signal: this.#leaving.signal });
    }

    /** @param {{notification: Notification, live: boolean}} detail */
    #take({ notification, live }) {
        if (!live) return void this.#late.push(notification);
        this.#part(".band").hidden = true;
        this.dispatchEvent(new CustomEvent("told", { detail: notification }));
    }

    /** @param {number} milliseconds */
    #return(milliseconds) {
        if (!this.#whole || this.cut) return;
        const count = Math.max(this.#missed, this.#late.length);
        this.#whole.close();
        this.#whole = null;
        this.#band(back(count, this.#late.length, milliseconds), this.#late);
    }

    #draw() {
        const own = this.#own;
        if (!own) return;
        const whole = this.#whole ?? own;
        this.#place.dataset.state = this.cut ? "cut" : own.state;
        this.#part(".cut").setAttribute("aria-checked", String(!this.cut));
        beads(this.#part(".beads"), named(this.user), whole, own);
        if (!this.cut) return;
        this.#missed = missed(whole, own);
        this.#band(away(this.#missed), []);
    }

    /** Say how somebody's absence is, or was. @param {string} words @param {Notification[]} late */
    #band(words, late) {
        const [band, heading, list] = [".band", ".band h3", ".band ol"].map((selector) => this.#part(selector));
        if (heading.textContent === words && !band.hidden) return;
        heading.textContent = words;
        list.replaceChildren(...late.slice(-TITLES_LIMIT).map(line));
        /** @type {HTMLOListElement} */ (list).start = Math.max(1, late.length - TITLES_LIMIT + 1);
        band.hidden = false;
    }

    /** @param {Play} play @param {string} user @param {string} beside */
    #offer({ people }, user, beside) {
        const others = Object.keys(people).filter((each) => each !== beside);
        this.#select.replaceChildren(...others.map((each) => new Option(named(each), each, false, each === user)));
        this.#select.disabled = others.length < 2;
    }

    get #select() {
        return /** @type {HTMLSelectElement} */ (this.#part("select"));
    }

    /** @param {string} selector @returns {HTMLElement} */
    #part(selector) {
        return /** @type {HTMLElement} */ (this.#place.querySelector(selector));
    }
}

/** @param {Notification} it @param {number} at */
function line(it, at) {
    const item = document.createElement("li");
    item.title = item.textContent = `${it.title}: ${it.message}`;
    item.style.setProperty("--at", String(at));
    return item;
}
