// Seen tracker: which notifications were in sight long enough to count as seen.

/** @import {Row} from "./row.js" */

const VISIBLE_SHARE = 0.6;
const DWELL_MILLISECONDS = 700;
const BATCH_MILLISECONDS = 400;

export class SeenTracker {
    #observer;
    #findRow;
    #onSeen;
    /**
     * By the id of the notification in sight.
     * @type {Map<string, ReturnType<typeof setTimeout>>}
     */
    #timers = new Map();
    /** @type {Set<string>} */ #seenIds = new Set();
    /** @type {ReturnType<typeof setTimeout> | undefined} */ #batchTimer;

    /**
     * @param {Element} root the scroll container
     * @param {(id: string) => Row | undefined} findRow
     * @param {(ids: string[]) => void} onSeen
     */
    constructor(root, findRow, onSeen) {
        this.#findRow = findRow;
        this.#onSeen = onSeen;
        this.#observer = new IntersectionObserver(
            (entries) => {
                for (const entry of entries) this.#handleSight(entry);
            },
            { root, threshold: VISIBLE_SHARE },
        );
    }

    close() {
        this.#observer.disconnect();
        clearTimeout(this.#batchTimer);
        for (const timer of this.#timers.values()) clearTimeout(timer);
    }

    /** @param {Row} row */
    observeRow({ element }) {
        this.#observer.observe(element);
    }

    /** Find out anew whether a row is in sight. @param {Row} row */
    observeAgain({ element }) {
        this.#observer.unobserve(element);
        this.#observer.observe(element);
    }

    /** @param {Row} row */
    forgetRow({ element, notification }) {
        this.#observer.unobserve(element);
        this.#cancel(notification.id);
    }

    /** @param {string} id */
    #cancel(id) {
        clearTimeout(this.#timers.get(id));
        this.#timers.delete(id);
    }

    /** @param {IntersectionObserverEntry} entry */
    #handleSight({ target, isIntersecting }) {
        const id = /** @type {HTMLElement} */ (target).dataset.id ?? "";
        this.#cancel(id);
        if (!isIntersecting || this.#findRow(id)?.notification.seen) return;
        this.#timers.set(
            id,
            setTimeout(() => this.#recordSeen(id), DWELL_MILLISECONDS),
        );
    }

    /** @param {string} id */
    #recordSeen(id) {
        const row = this.#findRow(id);
        if (!row) return;
        // In a hidden page nothing is reported as in sight, until the page is shown again.
        if (document.hidden) return this.observeAgain(row);
        this.#seenIds.add(id);
        clearTimeout(this.#batchTimer);
        this.#batchTimer = setTimeout(() => {
            this.#onSeen([...this.#seenIds]);
            this.#seenIds.clear();
        }, BATCH_MILLISECONDS);
    }
}
