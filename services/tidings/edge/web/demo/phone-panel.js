// Phone panel: the mails of one person, and what becomes of those that wait to be sent.

import { fetchMails, mailAddress } from "./demo-api.js";
import { displayName, fateText, plannedText } from "./phrases.js";

/** @import {Mail} from "./demo-api.js" */
/** @import {PersonPanel} from "./person-panel.js" */
/** @import {Run} from "./run.js" */

/**
 * A delivery as `GET /v1/deliveries` lists it.
 * @typedef {{id: string, channel: string, state: string, until: string | null,
 *     why: {code: string} | null, notifications: string[]}} Delivery
 */

const POLL_MILLISECONDS = 1000;
/** How long something may become of what has just happened. */
const WATCH_MILLISECONDS = 8000;
const FATES_LIMIT = 5;
const UNDERWAY = ["held", "ordered", "claimed"];

/** Events: `leave` and `read`, when their buttons are pressed. */
export class PhonePanel extends EventTarget {
    #element;
    /** Whose phone it is. @type {PersonPanel | null} */ #person = null;
    #run = /** @type {Run | null} */ (null);
    #story = "";
    /** @type {Delivery[]} */ #deliveries = [];
    /** The deliveries that were sent when the mails were read last. */ #sent = "";
    #watchedUntil = 0;
    #left = new AbortController();

    /** @param {HTMLElement} element */
    constructor(element) {
        super();
        this.#element = element;
        for (const name of ["leave", "read"])
            this.#find(`.${name}`).addEventListener("click", () =>
                this.dispatchEvent(new Event(name)),
            );
        this.#find(".back").addEventListener("click", () => this.#closeMail());
        setInterval(() => this.#poll(), POLL_MILLISECONDS);
    }

    /**
     * Show the phone of a person.
     * @param {Run} run
     * @param {string} story
     * @param {PersonPanel} person
     */
    async showPerson(run, story, person) {
        this.#left.abort();
        this.#left = new AbortController();
        const { signal } = this.#left;
        [this.#run, this.#story, this.#person] = [run, story, person];
        this.#deliveries = [];
        this.#closeMail();
        this.#find("h3").textContent = `${displayName(person.user)}'s mails`;
        const { client, lang } = person;
        Object.assign(this.#find("tidings-bell"), { client, lang });
        client?.addEventListener("change", () => this.watch(), { signal });
        // The mailbox knows a person once they have signed in.
        await person.untilLive(signal);
        if (!signal.aborted) await this.#readMails(signal);
        this.watch();
    }

    /** Look for a while what becomes of what has just happened. */
    watch() {
        this.#watchedUntil = performance.now() + WATCH_MILLISECONDS;
        this.#render();
    }

    /** @param {boolean} canLeave whether anything is left to happen to the person */
    setCanLeave(canLeave) {
        const isAway = this.#person?.isCut ?? false;
        this.#find(".leave").toggleAttribute("disabled", !canLeave && !isAway);
        this.#render();
    }

    get #name() {
        return displayName(this.#person?.user ?? " ");
    }

    /** Tell whether a delivery may still be sent: what was read before it is due is not. */
    #isUnderway(/** @type {Delivery} */ { state, notifications }) {
        const isRead = this.#person?.client?.find(notifications[0])?.read;
        return UNDERWAY.includes(state) && !(isRead && state === "held");
    }

    get #underway() {
        const due = (/** @type {Delivery} */ { until }) => Date.parse(until ?? "") || 0;
        return this.#deliveries
            .filter((delivery) => delivery.channel === "email" && this.#isUnderway(delivery))
            .sort((a, b) => due(a) - due(b));
    }

    async #poll() {
        const isWatched = performance.now() < this.#watchedUntil || this.#underway.length > 0;
        const { signal } = this.#left;
        const client = this.#person?.client;
        if (document.hidden || !isWatched || !client?.user) return;
        const answer = await client.requestUncut("/v1/deliveries?limit=20").catch(() => null);
        if (!answer || signal.aborted) return;
        this.#deliveries = answer.deliveries;
        const sent = this.#deliveries.filter(({ state }) => state === "sent").map(({ id }) => id);
        if (sent.join() !== this.#sent) await this.#readMails(signal);
        if (signal.aborted) return;
        this.#sent = sent.join();
        this.#render();
    }

    /** @param {AbortSignal} signal */
    async #readMails(signal) {
        const run = /** @type {Run} */ (this.#run);
        const user = this.#person?.user ?? "";
        const answer = await fetchMails(run, this.#story, user).catch(() => null);
        if (!answer || signal.aborted) return;
        this.#element.hidden = answer.mailbox === "";
        /** @type {HTMLAnchorElement} */ (this.#find(".phone a")).href = answer.mailbox;
        this.#find(".none").hidden = answer.mails.length > 0;
        const known = new Set([...this.#list.children].map(idOf));
        const rows = answer.mails.map((mail) => this.#createRow(mail, known));
        const focused = idOf(document.activeElement?.closest("li"));
        this.#list.replaceChildren(...rows);
        const again = rows.find((row) => focused && idOf(row) === focused);
        again?.querySelector("button")?.focus();
    }

    /** @param {Mail} mail @param {Set<string | undefined>} known */
    #createRow({ id, received, subject }, known) {
        const [row, button, title, time] = [
            document.createElement("li"),
            document.createElement("button"),
            document.createElement("strong"),
            document.createElement("time"),
        ];
        row.dataset.id = id;
        row.classList.toggle("new", !known.has(id));
        title.textContent = subject;
        time.dateTime = received;
        time.textContent = new Date(received).toLocaleTimeString();
        button.type = "button";
        button.append(title, time);
        button.addEventListener("click", () => this.#openMail(id));
        row.append(button);
        return row;
    }

    /** @param {string} id */
    #openMail(id) {
        const run = /** @type {Run} */ (this.#run);
        const frame = /** @type {HTMLIFrameElement} */ (this.#find("iframe"));
        frame.src = mailAddress(run, this.#story, this.#person?.user ?? "", id);
        this.#find(".mail").hidden = false;
        this.#list.hidden = true;
        this.#find(".back").dataset.of = id;
        this.#find(".back").focus();
    }

    #closeMail() {
        const { of } = this.#find(".back").dataset;
        const wasOpen = !this.#find(".mail").hidden;
        this.#find(".mail").hidden = true;
        this.#find("iframe").removeAttribute("src");
        this.#list.hidden = false;
        const row = [...this.#list.children].find((it) => idOf(it) === of);
        if (wasOpen) row?.querySelector("button")?.focus();
    }

    #render() {
        const person = this.#person;
        if (!person) return;
        const name = this.#name;
        this.#setText(
            ".leave",
            person.isCut ? `${name} is back` : `${name} is away for 10 minutes`,
        );
        this.#setText(".read", `${name} reads it in the bell`);
        this.#find(".read").toggleAttribute("disabled", !person.client?.counts.unread);
        const [next] = this.#underway;
        const now = person.client?.now ?? Date.now();
        const seconds = next && Math.ceil((Date.parse(next.until ?? "") - now) / 1000);
        const text = next ? plannedText(name, this.#underway.length, seconds || 0) : "";
        this.#setText(".planned", text || "No mail is planned.");
        this.#renderFates(name);
    }

    /** @param {string} name */
    #renderFates(name) {
        const settled = this.#deliveries.filter(
            (delivery) => delivery.channel === "email" && !this.#isUnderway(delivery),
        );
        const texts = settled.slice(0, FATES_LIMIT).map((delivery) => {
            const title = this.#person?.titleOf(delivery.notifications[0]) ?? "a notification";
            return fateText(name, title, delivery);
        });
        const list = this.#find(".fates ol");
        const shown = [...list.children].map(({ textContent }) => textContent);
        if (shown.join("\n") === texts.join("\n")) return;
        const createItem = (/** @type {string} */ text) =>
            Object.assign(document.createElement("li"), { textContent: text });
        list.replaceChildren(...texts.map(createItem));
    }

    get #list() {
        return this.#find("ul");
    }

    /** @param {string} selector @param {string} text */
    #setText(selector, text) {
        const element = this.#find(selector);
        if (element.textContent !== text) element.textContent = text;
    }

    /** @param {string} selector @returns {HTMLElement} */
    #find(selector) {
        return /** @type {HTMLElement} */ (this.#element.querySelector(selector));
    }
}

/** @param {Element | null | undefined} row */
function idOf(row) {
    return /** @type {HTMLElement | null | undefined} */ (row)?.dataset.id;
}
