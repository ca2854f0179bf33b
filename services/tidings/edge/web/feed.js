// Feed: the rows of a list (WAI-ARIA, feed pattern), those near what is in sight; what is new waits above until it is wanted.

import { make } from "./dom.js";
import { Row } from "./row.js";
import { Stretch } from "./stretch.js";

/** @import {Notification} from "./protocol.js" */
/** @import {Inbox} from "./inbox.js" */
/** @import {Near} from "./stretch.js" */

const AT_TOP_PIXELS = 24;
const AHEAD = "600px";
const DWELL_MILLISECONDS = 700;
const BATCH_MILLISECONDS = 400;

export class Feed {
    #inbox;
    /** @type {Map<string, Row>} */ #rows = new Map();
    /** @type {readonly Notification[]} */ #all = [];
    /** How many are new and wait to be shown. */ waiting = 0;
    #stretch = new Stretch();
    /** @type {Near} */ #near = { first: 0, last: 0, above: 0, below: 0 };
    #complete = false;
    /** The ids that were there when the top was last looked at; null: whatever comes may be shown. @type {Set<string> | null} */ #held = null;
    /** @type {Map<string, ReturnType<typeof setTimeout>>} */ #dwelling = new Map();
    /** @type {Set<string>} */ #looked = new Set();
    /** @type {ReturnType<typeof setTimeout> | undefined} */ #batch;
    #pointed = false;
    #extent = 0;
    list;
    scroll;
    #above = make("div");
    #below = make("div");
    #end = make("div", { class: "foot" });
    #sight;
    #ahead;

    /** @param {Inbox} inbox */
    constructor(inbox) {
        this.#inbox = inbox;
        this.list = make("div", { role: "feed", "aria-label": inbox.say("title"), "aria-busy": "false", part: "feed" });
        this.scroll = make("div", { class: "scroll" }, this.#above, this.list, this.#below, this.#end);
        this.scroll.addEventListener("scroll", () => this.#scrolled(), { passive: true });
        this.list.addEventListener("pointerenter", () => (this.#pointed = true));
        this.list.addEventListener("pointerleave", () => (this.#pointed = false));
        this.#sight = new IntersectionObserver((found) => found.forEach((each) => this.#see(each)), { root: this.scroll, threshold: 0.6 });
        this.#ahead = new IntersectionObserver((found) => found.some((each) => each.isIntersecting) && this.#inbox.more(), { root: this.scroll, rootMargin: AHEAD });
        this.#ahead.observe(this.#end);
    }

    close() {
        this.#sight.disconnect();
        this.#ahead.disconnect();
        clearTimeout(this.#batch);
        for (const timer of this.#dwelling.values()) clearTimeout(timer);
    }

    /** Begin again at the top. */
    restart() {
        this.#all = [];
        this.release();
    }

    /** Show what has waited. */
    release() {
        this.#held = null;
        this.scroll.scrollTop = 0;
        this.#inbox.redraw();
    }

    /**
     * @param {readonly Notification[]} all newest first
     * @param {{complete: boolean, foot: Node | null}} how
     */
    draw(all, { complete, foot }) {
        const grown = this.#all.length > 0 && !this.#all.some(({ id }) => id === all[0]?.id) && !(this.#atTop && !this.#pointed);
        if (grown) this.#held ??= new Set(this.#all.map((it) => it.id));
        this.#all = all;
        const held = this.#held;
        this.waiting = held ? Math.max(0, all.findIndex((it) => held.has(it.id))) : 0;
        if (held) for (const it of all.slice(this.waiting)) held.add(it.id); // older ones that were loaded since
        this.#complete = complete;
        this.list.hidden = !all.length; // a feed that has no articles is none
        this.scroll.tabIndex = all.length ? -1 : 0; // without rows nothing else in it could be reached by keys, to scroll it
        this.#end.replaceChildren(...(foot ? [foot] : []));
        this.#stand();
        this.#look(all.length);
    }

    tick() {
        for (const row of this.#rows.values()) row.tick();
    }

    /** @returns {Row[]} */
    get rows() {
        return [...this.list.children].flatMap((each) => this.#rows.get(/** @type {HTMLElement} */ (each).dataset.id ?? "") ?? []);
    }

    /** The row that has the focus, or holds what has it. */
    get focused() {
        return this.rows.find(({ element }) => element.matches(":focus, :focus-within")) ?? null;
    }

    /**
     * Move the focus by so many rows, from the row that has it.
     * @param {number} by
     */
    move(by) {
        const { rows, focused } = this;
        const row = focused ? this.#beside(focused, by) : rows[0];
        row?.element.focus();
        row?.element.scrollIntoView({ block: "nearest" });
    }

    /** The row so many places on, or the outermost one; keys may be faster than rows come into the page. @param {Row} row @param {number} by */
    #beside({ notification }, by) {
        const all = this.#shown;
        const place = all.findIndex(({ id }) => id === notification.id) + by;
        const { id } = all[Math.max(0, Math.min(all.length - 1, place))];
        if (!this.#rows.has(id)) this.#stand();
        return this.#rows.get(id);
    }

    /** All but what waits. */
    get #shown() {
        return this.waiting ? this.#all.slice(this.waiting) : this.#all;
    }

    get #atTop() {
        return this.scroll.scrollTop < AT_TOP_PIXELS;
    }

    /** Have the rows in the page that are near what is in sight, and as much room as the others take. */
    #stand() {
        for (const [id, { element }] of this.#rows) this.#stretch.measured(id, element.offsetHeight);
        const all = this.#shown;
        const { scrollTop, clientHeight } = this.scroll;
        const near = (this.#near = this.#stretch.near(all, scrollTop, scrollTop + clientHeight));
        this.#place(all.slice(near.first, near.last), near.first);
        this.#above.style.height = `${near.above}px`;
        this.#below.style.height = `${near.below}px`;
        for (const { element } of this.#rows.values()) element.setAttribute("aria-setsize", String(this.#complete ? all.length : -1));
    }

    #scrolled() {
        if (this.#atTop && this.#held) return this.release();
        const { scrollTop, clientHeight, scrollHeight } = this.scroll;
        const whole = scrollHeight - this.#end.offsetHeight;
        if (this.#stretch.outgrown(this.#near, scrollTop, scrollTop + clientHeight, whole)) this.#stand();
    }

    /**
     * Have these rows and no others, in this order; those that stay are not touched.
     * @param {Notification[]} wanted
     * @param {number} first the place of the first of them
     */
    #place(wanted, first) {
        const kept = new Set(wanted.map((it) => it.id));
        this.#leave(kept);
        let before = /** @type {Element | null} */ (this.list.firstElementChild);
        wanted.forEach((it, place) => {
            const row = this.#row(it);
            if (row.element === before) before = before.nextElementSibling;
            else this.list.insertBefore(row.element, before);
            row.element.setAttribute("aria-posinset", String(first + place + 1));
        });
        const tab = this.focused ?? this.rows[0];
        for (const { element } of this.rows) element.tabIndex = element === tab?.element ? 0 : -1;
    }

    /** @param {Notification} it */
    #row(it) {
        const known = this.#rows.get(it.id);
        if (known) {
            if (known.notification.seen && !it.seen) this.#again(known.element);
            known.show(it);
            return known;
        }
        const row = new Row(it, this.#inbox);
        this.#rows.set(it.id, row);
        this.#sight.observe(row.element);
        return row;
    }

    /** Take rows out; if one of them had the focus, another has it then, or the list. @param {Set<string>} kept */
    #leave(kept) {
        const { focused } = this;
        if (focused && !kept.has(focused.notification.id)) (this.#heir(focused, kept)?.element ?? this.scroll).focus({ preventScroll: true });
        for (const [id, { element }] of this.#rows) {
            if (kept.has(id)) continue;
            this.#sight.unobserve(element);
            clearTimeout(this.#dwelling.get(id));
            this.#dwelling.delete(id);
            this.#rows.delete(id);
            element.remove();
        }
    }

    /** The next row that stays, or else the one before. @param {Row} row @param {Set<string>} kept */
    #heir(row, kept) {
        const { rows } = this;
        const place = rows.indexOf(row);
        const before = rows.slice(0, place).reverse();
        return [...rows.slice(place), ...before].find(({ notification }) => kept.has(notification.id));
    }

    /** Look whether the end is in sight still, once there is more to see. @param {number} extent */
    #look(extent) {
        if (extent === this.#extent) return;
        this.#extent = extent;
        this.#ahead.unobserve(this.#end);
        this.#ahead.observe(this.#end);
    }

    /** Look anew whether it is in sight. @param {Element} element */
    #again(element) {
        this.#sight.unobserve(element);
        this.#sight.observe(element);
    }

    /** Whoever has looked at a row for a moment has seen it. @param {IntersectionObserverEntry} entry */
    #see({ target, isIntersecting }) {
        const id = /** @type {HTMLElement} */ (target).dataset.id ?? "";
        clearTimeout(this.#dwelling.get(id));
        this.#dwelling.delete(id);
        if (isIntersecting && !this.#rows.get(id)?.notification.seen) this.#dwelling.set(id, setTimeout(() => this.#looking(id), DWELL_MILLISECONDS));
    }

    /** @param {string} id */
    #looking(id) {
        const row = this.#rows.get(id);
        if (!row) return;
        if (document.hidden) return this.#again(row.element); // which is not found in sight before the page is
        this.#looked.add(id);
        clearTimeout(this.#batch);
        this.#batch = setTimeout(() => {
            this.#inbox.seen([...this.#looked]);
            this.#looked.clear();
        }, BATCH_MILLISECONDS);
    }
}
