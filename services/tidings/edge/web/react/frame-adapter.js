// Frame adapter: turns a client's changes into one product's frames and callbacks, one at a time.

import { uuid } from "../client/uuid.js";
import { changedMarks, isUnknown } from "./snapshot-changes.js";

/** @import {Counts, Notification} from "../client/protocol.js" */
/** @import {ClientSnapshot, ClientStore} from "./client-store.js" */
/** @import {Dialect, DialectFrame, FrameContext, PageRequest} from "./dialect.js" */

/**
 * @typedef {object} AdapterCallbacks
 * @property {(frame: DialectFrame) => void} [onMessage] every frame
 * @property {(notification: any) => void} [onNotification]
 * @property {(stats: any) => void} [onStatsUpdate]
 * @property {() => void} [onConnect]
 * @property {() => void} [onDisconnect]
 * @property {(error: any) => void} [onError]
 */

/** A frame to show, and a callback to call. @typedef {{frame?: DialectFrame,
 *     callback?: keyof AdapterCallbacks, value?: any}} Delivery */

const QUEUE_LIMIT = 1000;

export class FrameAdapter {
    /** The page's own, as it last rendered. @type {AdapterCallbacks} */ callbacks = {};
    #store;
    #dialect;
    #connectionId = uuid();
    /** @type {Delivery[]} */ #queue = [];
    /** @type {DialectFrame | null} */ #lastFrame = null;
    /** @type {ClientSnapshot | null} */ #previous = null;
    /** The counts reported last. @type {Counts | null} */ #reportedCounts = null;
    /** Gives the queue turns of the event loop. @type {MessageChannel | null} */ #turns = null;
    #isConnected = false;
    /** @type {() => void} */ #onChange = () => {};

    /**
     * @param {ClientStore} store
     * @param {Dialect} dialect
     */
    constructor(store, dialect) {
        this.#store = store;
        this.#dialect = dialect;
    }

    /**
     * Listen until the returned function is called.
     * @param {() => void} onChange there is a new last frame
     */
    subscribe = (onChange) => {
        this.#onChange = onChange;
        [this.#turns, this.#queue] = [new MessageChannel(), []];
        this.#turns.port1.onmessage = () => this.#deliverNext();
        const unsubscribe = this.#store.subscribe((event, detail) =>
            this.#handleEvent(event, detail),
        );
        this.#previous = this.#store.getSnapshot();
        if (this.#previous.state === "live") this.#reportConnected();
        return () => {
            unsubscribe();
            this.#turns?.port1.close();
            [this.#turns, this.#queue, this.#isConnected] = [null, [], false];
            this.#onChange = () => {};
        };
    };

    getLastFrame = () => this.#lastFrame;

    /**
     * Do what a frame of the page's asks for.
     * @param {Record<string, any> | string} frame an object, or JSON
     * @returns {boolean} false if it cannot be done now
     */
    sendFrame = (frame) => {
        const request = this.#dialect.parseRequest(parseFrame(frame));
        if (!request) {
            const text = typeof frame === "string" ? frame : JSON.stringify(frame);
            return this.#reportRefusal(`bad frame: ${text}`);
        }
        if (request.mark) return this.#mark(request.mark);
        return this.#answer(request);
    };

    /** Mark one or several as read. @param {string | string[]} ids */
    markAsRead = (ids) => this.#mark({ state: "read", ids: [ids].flat() });

    /** Mark all as read; false if there are none. */
    markAllAsRead = () => this.#store.methods.markAll("read") !== null;

    /** Delete one or several. @param {string | string[]} ids */
    deleteNotification = (ids) => this.#mark({ state: "deleted", ids: [ids].flat() });

    /** @param {PageRequest} request */
    #answer({ pong, count, subscribed }) {
        if (!this.#isConnected) return false;
        if (pong)
            this.#deliverFrames([this.#dialect.pongFrame?.(this.#context) ?? { type: "pong" }]);
        if (subscribed !== undefined) {
            const { now } = this.#context;
            this.#deliverFrames([{ type: "subscribed", event_type: subscribed, timestamp: now }]);
        }
        if (count)
            this.#deliverFrames(this.#dialect.countAnswer?.(this.#store.presentClient.counts));
        return true;
    }

    /** @param {NonNullable<PageRequest["mark"]>} mark */
    #mark({ state, until, ids, up_to, filter }) {
        try {
            if (ids?.every((id) => isUnknown(id, this.#store)))
                return this.#reportRefusal("you have no such notification");
            this.#store.presentClient.mark(state, { ids, up_to, filter }, { until });
            return true;
        } catch (error) {
            return this.#reportRefusal(/** @type {Error} */ (error).message);
        }
    }

    /** @param {string} reason @returns {false} */
    #reportRefusal(reason) {
        const standard = { type: "error", data: { message: reason } };
        this.#deliverFrames([this.#dialect.errorFrame?.(reason, this.#context) ?? standard]);
        return false;
    }

    /** @param {string} [event] @param {any} [detail] */
    #handleEvent(event, detail) {
        if (event === "notification") this.#reportNotification(detail.notification);
        if (event === "state" && detail.state === "live") this.#reportConnected();
        if (event === "state" && detail.previous === "live") this.#reportDisconnected();
        if (event === "change") this.#reportChanges();
        if (event === "error") this.#enqueue({ callback: "onError", value: detail });
        if (event === "refused") this.#reportRefusedMark(detail.error);
    }

    /** Report a mark that was sent and not accepted. @param {string} message */
    #reportRefusedMark(message) {
        this.#reportRefusal(message);
        const value = { code: "refused", message, temporary: false };
        this.#enqueue({ callback: "onError", value });
    }

    #reportConnected() {
        const { counts } = this.#store.getSnapshot();
        [this.#isConnected, this.#reportedCounts] = [true, null];
        this.#enqueue({ callback: "onConnect" });
        this.#deliverFrames(this.#dialect.connectedFrames?.(this.#context));
        this.#reportCounts(counts);
    }

    #reportDisconnected() {
        this.#isConnected = false;
        this.#enqueue({ callback: "onDisconnect" });
    }

    /** @param {Notification} it */
    #reportNotification(it) {
        if (it.read || it.archived) return; // dealt with elsewhere: it is not news
        this.#deliverFrames(this.#dialect.notificationFrames(it, this.#context));
        const value = this.#dialect.toNotification(it, this.#context.user);
        this.#enqueue({ callback: "onNotification", value });
    }

    /** Report what was marked, and the counts. */
    #reportChanges() {
        const [before, now] = [this.#previous, this.#store.getSnapshot()];
        this.#previous = now;
        if (!before || before === now) return;
        const { markFrames } = this.#dialect;
        if (markFrames && before.notifications !== now.notifications) {
            for (const [id, state] of changedMarks(before, now, this.#store))
                this.#deliverFrames(markFrames(state, id, this.#context));
        }
        if (this.#isConnected) this.#reportCounts(now.counts);
    }

    /** @param {Counts} counts */
    #reportCounts(counts) {
        if (counts === this.#reportedCounts) return;
        this.#reportedCounts = counts;
        this.#deliverFrames(this.#dialect.countFrames?.(counts, this.#context));
        const value = this.#dialect.toStats(counts, this.#context.notifications);
        this.#enqueue({ callback: "onStatsUpdate", value });
    }

    /** @returns {FrameContext} */
    get #context() {
        const now = new Date(this.#store.client?.now ?? Date.now()).toISOString();
        const { user, counts, notifications } = this.#store.getSnapshot();
        const connection = this.#connectionId;
        return { now, user: user ?? "", connection, counts, notifications };
    }

    /** @param {DialectFrame[]} [frames] */
    #deliverFrames(frames = []) {
        for (const frame of frames) this.#enqueue({ frame, callback: "onMessage", value: frame });
    }

    /** Deliver in a later turn; nothing while not subscribed. @param {Delivery} delivery */
    #enqueue(delivery) {
        if (!this.#turns) return;
        this.#queue.push(delivery);
        this.#turns.port2.postMessage(null);
    }

    /**
     * Deliver one frame a turn: a page that renders only the last frame must see each of them.
     * Above the limit several are delivered, which such a page misses, but its callbacks do not.
     */
    #deliverNext() {
        const count = Math.max(1, this.#queue.length - QUEUE_LIMIT);
        for (const { frame, callback, value } of this.#queue.splice(0, count)) {
            if (frame) {
                this.#lastFrame = frame;
                this.#onChange();
            }
            if (callback) /** @type {any} */ (this.callbacks[callback])?.(value);
        }
    }
}

/**
 * @param {Record<string, any> | string} frame
 * @returns {Record<string, any>} empty if it is no JSON
 */
function parseFrame(frame) {
    if (typeof frame !== "string") return frame;
    try {
        return Object(JSON.parse(frame));
    } catch {
        return {};
    }
}
