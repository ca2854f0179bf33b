// Leader: whoever holds the one connection of all tabs of an account; it keeps what comes, and sends the marks of all of them.

import { Ended, refusal } from "./ended.js";
import { compare, Fold } from "./fold.js";
import { Link } from "./link.js";
import { Store } from "./store.js";

/** @import {Counts, Cursor, Frame, Notification, Operation, State, Status} from "./protocol.js" */

/**
 * How everything stands, for a tab that does not know.
 * @typedef {{cursor: Cursor, counts: Counts, floor: Cursor | null, notifications: Notification[]}} Standing
 */

/**
 * What is said to tabs.
 * @typedef {{frame: Frame} | {standing: Standing} | {status: Status} | {confirmed: {op: string, cursor: Cursor}} | {refused: {op: string, error: string}}
 *     | {error: {code: string, message: string, temporary: boolean}} | {led: number}} Saying
 */

/**
 * @typedef {object} Terms
 * @property {string} url
 * @property {string | null} account
 * @property {string} device
 * @property {string[]} transports
 * @property {number} keep
 * @property {number} minimumDelay
 * @property {number} maximumDelay
 * @property {number} attempts
 */

const ACK_MILLISECONDS = 2000;
const RETRY_MILLISECONDS = 5000;
export const OPERATIONS_LIMIT = 1000;

export class Leader {
    #terms;
    #say;
    #token;
    #store;
    #fold = new Fold();
    #link;
    /** @type {Map<string, Operation>} */ #operations = new Map();
    /** @type {Status} */ #status = { state: "offline", retryAt: null, reason: null, user: null, skew: 0 };
    /** @type {{whole: boolean, changed: Set<string>, settled: Set<string>} | null} */ #unsaved = null;
    /** @type {Promise<void> | null} */ #saving = null;
    /** Whether something could not be saved, so that what is saved next has to be all of it. */ #gap = false;
    #sending = false;
    /** @type {ReturnType<typeof setTimeout> | undefined} */ #acking;
    /** @type {ReturnType<typeof setTimeout> | undefined} */ #sendingLater;

    /**
     * @param {Terms} terms
     * @param {(wanted: {refresh?: boolean}) => Promise<string | null>} token
     * @param {(saying: Saying) => void} say
     */
    constructor(terms, token, say) {
        this.#terms = terms;
        this.#token = token;
        this.#say = say;
        this.#store = new Store(terms);
        this.#link = new Link(terms, {
            token,
            cursor: () => this.#fold.cursor,
            take: (frame) => this.#take(frame),
            state: (state, more) => this.#changed({ state, retryAt: null, reason: null, ...more }),
            error: (error) => say({ error }),
        });
    }

    /** Lead, from what is kept on, until stopped. */
    async run() {
        const { saved, notifications, operations } = await this.#store.read();
        if (saved) this.#fold = Fold.of({ ...saved, notifications });
        for (const each of operations) this.#operations.set(each.op, each);
        this.#status.user = saved?.user ?? null;
        this.#say({ led: Date.now() });
        await this.#link.run();
        await this.#saving; // whoever leads next begins with what is kept
    }

    stop() {
        clearTimeout(this.#acking);
        clearTimeout(this.#sendingLater);
        this.#link.stop();
    }

    wake() {
        this.#link.wake();
    }

    /** Stop, and forget what is kept. */
    async forget() {
        this.stop();
        this.#terms = { ...this.#terms, keep: 0 };
        this.#fold = new Fold();
        await this.#store.wipe();
    }

    /** Say how everything stands. */
    report() {
        const { cursor, counts, floor, notifications } = this.#fold;
        if (cursor) this.#say({ standing: { cursor, counts, floor, notifications: [...notifications.values()] } });
        this.#say({ status: this.#status });
    }

    /** A mark of some tab's; one that is known already changes nothing. @param {Operation} operation */
    operate(operation) {
        if (this.#operations.has(operation.op) || this.#operations.size >= OPERATIONS_LIMIT) return;
        this.#operations.set(operation.op, operation);
        this.#send();
    }

    /** A mark that was taken back before it was due. @param {string} op */
    withdraw(op) {
        this.#operations.delete(op);
    }

    /** @param {Partial<Status>} more */
    #changed(more) {
        this.#status = { ...this.#status, ...more };
        this.#say({ status: this.#status });
        if (more.state === "live") this.#send();
    }

    /** @param {Frame} frame */
    #take(frame) {
        if (frame.type === "hello") this.#greet(frame);
        const told = this.#fold.take(frame);
        if (!told) return false;
        this.#say({ frame });
        if (frame.type === "entries" || frame.type === "snapshot" || frame.type === "reset") {
            this.#keep(told.changed, told.whole);
            this.#acknowledge();
        }
        return true;
    }

    /** @param {Extract<Frame, {type: "hello"}>} frame */
    #greet({ user, now }) {
        const before = this.#status.user;
        this.#changed({ user, skew: now ? Date.parse(now) - Date.now() : this.#status.skew });
        if (before && before !== user) this.#disown();
    }

    /** What was kept is another person's; neither it nor their marks are this one's. */
    #disown() {
        const settled = new Set(this.#operations.keys());
        this.#operations.clear();
        this.#fold = new Fold();
        this.#unsaved = { whole: true, changed: new Set(), settled };
        this.#saving ??= this.#save();
    }

    /**
     * Note what is to be saved; what comes while saving is saved next, in one go.
     * @param {Iterable<string>} changed
     * @param {boolean} whole
     */
    #keep(changed, whole) {
        const before = whole ? null : this.#unsaved;
        const settled = this.#settled();
        this.#unsaved = {
            whole: whole || Boolean(before?.whole),
            changed: new Set([...(before?.changed ?? []), ...changed]),
            settled: new Set([...(this.#unsaved?.settled ?? []), ...settled]),
        };
        this.#saving ??= this.#save();
    }

    async #save() {
        for (let unsaved = this.#unsaved; unsaved; unsaved = this.#unsaved) {
            this.#unsaved = null;
            const gone = this.#fold.trim(this.#terms.keep);
            const { cursor, counts, floor, notifications } = this.#fold;
            const whole = unsaved.whole || this.#gap;
            /** @type {Notification[]} */ const changed = [];
            for (const id of whole ? notifications.keys() : unsaved.changed) {
                const it = notifications.get(id);
                it ? changed.push(it) : gone.push(id);
            }
            const saved = { cursor, counts, floor, user: this.#status.user, device: this.#terms.device };
            this.#gap = !(await this.#store.save(saved, { whole, changed, gone, settled: [...unsaved.settled] }));
        }
        this.#saving = null;
    }

    /** The marks whose entries have come; they are no longer of anybody's concern. */
    #settled() {
        const { cursor } = this.#fold;
        const settled = [...this.#operations.values()].filter((each) => each.confirmed && cursor && compare(each.confirmed, cursor) <= 0);
        for (const { op } of settled) this.#operations.delete(op);
        return settled.map(({ op }) => op);
    }

    /** Tell the edge, when there is a pause, what this device has. */
    #acknowledge() {
        clearTimeout(this.#acking);
        this.#acking = setTimeout(() => this.#ack().catch(() => {}), ACK_MILLISECONDS);
    }

    async #ack() {
        const { cursor } = this.#fold;
        if (!cursor || cursor.includes(".") || this.#link.ack(cursor)) return;
        await this.#post("/v1/acks", { device: this.#terms.device, cursor });
    }

    /** Send what is due, one after the other in the order of their making. */
    async #send() {
        if (this.#sending) return;
        this.#sending = true;
        clearTimeout(this.#sendingLater);
        const later = await this.#sendDue().catch(({ afterMilliseconds }) => afterMilliseconds ?? RETRY_MILLISECONDS);
        this.#sending = false;
        if (later !== null && this.#status.state === "live") this.#sendingLater = setTimeout(() => this.#send(), later);
    }

    /** In how many milliseconds there is more to send, null if there is nothing; raises Ended if they must wait. */
    async #sendDue() {
        for (;;) {
            const waiting = [...this.#operations.values()].filter((each) => !each.confirmed);
            const due = waiting.find((each) => each.due <= Date.now());
            if (!due || this.#status.state !== "live") return waiting.length ? Math.max(0, Math.min(...waiting.map((each) => each.due)) - Date.now()) : null;
            await this.#deliver(due);
        }
    }

    /** @param {Operation} operation */
    async #deliver(operation) {
        const { op, state, ids, up_to, filter, until } = operation;
        try {
            const { cursor } = await this.#post("/v1/notifications/mark", { op, state, ids, up_to, filter, until });
            operation.confirmed = cursor;
            this.#say({ confirmed: { op, cursor } });
            this.#keep([], false);
        } catch (error) {
            if (!(error instanceof Ended) || !REFUSALS.includes(error.code)) throw error;
            this.#operations.delete(op);
            await this.#store.drop(op);
            this.#say({ refused: { op, error: error.message } });
        }
    }

    /**
     * @param {string} path
     * @param {object} body
     */
    async #post(path, body) {
        const address = new URL(path, this.#terms.url);
        if (this.#link.partition) address.searchParams.set("partition", this.#link.partition);
        return post(address, body, this.#token);
    }
}

const REFUSALS = [400, 404, 409, 413, 422];

/**
 * Send JSON and get some; once more with another token if that one will not do, or by way of the edge that serves this person. Raises Ended.
 * @param {URL} address
 * @param {object | null} body null: GET
 * @param {(wanted: {refresh?: boolean}) => Promise<string | null>} token
 */
export async function post(address, body, token) {
    for (let refresh = false; ; ) {
        const shown = await token({ refresh });
        const headers = { "content-type": "application/json", ...(shown && { authorization: `Bearer ${shown}` }) };
        /** @type {RequestInit} */
        const how = { headers, credentials: shown ? "omit" : "include", signal: AbortSignal.timeout(15_000) };
        const response = await fetch(address, body ? { ...how, method: "POST", body: JSON.stringify(body), keepalive: true } : how);
        if (response.ok) return response.json();
        const ended = await refusal(response);
        if (ended.code === 401 && !refresh) refresh = true;
        else if (ended.code === 421 && !address.searchParams.has("partition")) address.searchParams.set("partition", ended.body.partition);
        else throw ended;
    }
}
