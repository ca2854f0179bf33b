// Talk: what one hook is told of a person's log, in the words of its page, one frame at a time.

import { compare } from "../fold.js";
import { unique } from "../unique.js";

/** @import {Dialect, Said} from "./dialect.js" */
/** @import {Source, Standing} from "./source.js" */
/** @import {Counts, Notification} from "../protocol.js" */

/**
 * @typedef {object} Callbacks
 * @property {(frame: Said) => void} [onMessage] every frame
 * @property {(notification: any) => void} [onNotification]
 * @property {(stats: any) => void} [onStatsUpdate]
 * @property {() => void} [onConnect]
 * @property {() => void} [onDisconnect]
 * @property {(error: any) => void} [onError]
 */

/** @typedef {{frame?: Said, call?: keyof Callbacks, given?: any}} Line */

const WAITING_LIMIT = 1000;

export class Talk {
    /** The page's own, as it last rendered. @type {Callbacks} */ callbacks = {};
    #source;
    #dialect;
    #connection = unique();
    /** @type {Line[]} */ #lines = [];
    /** @type {Said | null} */ #last = null;
    /** @type {Standing | null} */ #before = null;
    /** @type {Set<string> | null} */ #only = null;
    /** @type {Counts | null} */ #told = null;
    /** @type {MessageChannel | null} */ #turns = null;
    #connected = false;
    /** @type {() => void} */ #changed = () => {};

    /**
     * @param {Source} source
     * @param {Dialect} dialect
     */
    constructor(source, dialect) {
        this.#source = source;
        this.#dialect = dialect;
    }

    /** Listen, until the returned function is called. @param {() => void} changed there is another last frame */
    subscribe = (changed) => {
        this.#changed = changed;
        this.#turns = new MessageChannel();
        this.#turns.port1.onmessage = () => this.#turn();
        const leave = this.#source.subscribe((event, detail) => this.#hear(event, detail));
        this.#before = this.#source.standing();
        if (this.#before.state === "live") this.#greet();
        return () => {
            leave();
            this.#turns?.port1.close();
            [this.#turns, this.#lines, this.#connected, this.#changed] = [null, [], false, () => {}];
        };
    };

    last = () => this.#last;

    /**
     * Take a frame of the page's, as it is or as JSON; false if it cannot be done now.
     * @param {Record<string, any> | string} frame
     */
    say = (frame) => {
        const ask = this.#dialect.asked(read(frame));
        if (!ask) return this.#refuse(`bad frame: ${typeof frame === "string" ? frame : JSON.stringify(frame)}`);
        if (ask.mark) return this.#mark(ask.mark);
        if (ask.only) this.#only = new Set([...(this.#only ?? []), ask.only]);
        if (ask.only) return true;
        if (!this.#connected) return false;
        if (ask.pong) this.#tell([{ type: "pong" }]);
        if (ask.count) this.#tell(this.#dialect.unread?.(this.#source.present.counts));
        return true;
    };

    /** Mark one or several as read. @param {string | string[]} ids */
    markAsRead = (ids) => this.#mark({ state: "read", ids: [ids].flat() });

    /** Mark all there are as read; false if there are none. */
    markAllAsRead = () => this.#source.methods.markAll("read") !== null;

    /** Delete one or several, for good. @param {string | string[]} ids */
    remove = (ids) => this.#mark({ state: "deleted", ids: [ids].flat() });

    /** @param {NonNullable<import("./dialect.js").Ask["mark"]>} mark */
    #mark({ state, until, ids, up_to, filter }) {
        try {
            if (ids?.every((id) => unknown(id, this.#source))) return this.#refuse("you have no such notification");
            this.#source.present.mark(state, { ids, up_to, filter }, { until });
            return true;
        } catch (error) {
            return this.#refuse(/** @type {Error} */ (error).message);
        }
    }

    /** @param {string} reason */
    #refuse(reason) {
        this.#tell([this.#dialect.refused?.(reason, this.#moment) ?? { type: "error", data: { message: reason } }]);
        return false;
    }

    /** @param {string} [event] @param {any} [detail] */
    #hear(event, detail) {
        if (event === "notification") this.#notify(detail.notification);
        if (event === "state" && detail.state === "live") this.#greet();
        if (event === "state" && detail.previous === "live") this.#part();
        if (event === "change") this.#compare();
        if (event === "error") this.#add({ call: "onError", given: detail });
        if (event === "refused") this.#fail(detail.error);
    }

    /** A mark that was sent and not accepted. @param {string} message */
    #fail(message) {
        this.#refuse(message);
        this.#add({ call: "onError", given: { code: "refused", message, temporary: false } });
    }

    #greet() {
        const { counts } = this.#source.standing();
        [this.#connected, this.#told] = [true, null];
        this.#add({ call: "onConnect" });
        this.#tell(this.#dialect.greeted?.(this.#moment));
        this.#count(counts);
    }

    #part() {
        this.#connected = false;
        this.#add({ call: "onDisconnect" });
    }

    /** @param {Notification} it */
    #notify(it) {
        const words = [it.type, it.type.replaceAll(".", "_"), it.category];
        if (this.#only && !words.some((each) => this.#only?.has(each))) return;
        this.#tell(this.#dialect.notified(it, this.#moment));
        this.#add({ call: "onNotification", given: this.#dialect.shown(it, this.#moment.user) });
    }

    /** Say what has become of those that were there before. */
    #compare() {
        const [before, now] = [this.#before, this.#source.standing()];
        this.#before = now;
        if (!before || before === now) return;
        const { marked } = this.#dialect;
        if (marked && before.notifications !== now.notifications) {
            for (const [id, state] of marks(before, now, this.#source)) this.#tell(marked(state, id, this.#moment));
        }
        if (this.#connected) this.#count(now.counts);
    }

    /** @param {Counts} counts */
    #count(counts) {
        if (counts === this.#told) return;
        this.#told = counts;
        this.#tell(this.#dialect.counted?.(counts, this.#moment));
        this.#add({ call: "onStatsUpdate", given: this.#dialect.stats(counts) });
    }

    get #moment() {
        const now = new Date(this.#source.client?.now ?? Date.now()).toISOString();
        return { now, user: this.#source.standing().user ?? "", connection: this.#connection };
    }

    /** @param {Said[]} [frames] */
    #tell(frames = []) {
        for (const frame of frames) this.#add({ frame, call: "onMessage", given: frame });
    }

    /** @param {Line} line */
    #add(line) {
        this.#lines.push(line);
        this.#turns?.port2.postMessage(null);
    }

    /** One frame a turn, so that a page which looks at the last one only sees each; beyond the limit, its callbacks do. */
    #turn() {
        const due = this.#lines.splice(0, Math.max(1, this.#lines.length - WAITING_LIMIT));
        for (const { frame, call, given } of due) {
            if (frame) this.#last = frame;
            if (frame) this.#changed();
            if (call) /** @type {any} */ (this.callbacks[call])?.(given);
        }
    }
}

/** @param {Record<string, any> | string} frame @returns {Record<string, any>} */
function read(frame) {
    if (typeof frame !== "string") return frame;
    try {
        return Object(JSON.parse(frame));
    } catch {
        return {};
    }
}

/**
 * What was marked between two standings; what only came back, ran out, or is no longer loaded was not.
 * @param {Standing} before
 * @param {Standing} now
 * @param {Source} source
 * @returns {[id: string, state: string][]}
 */
function marks(before, now, source) {
    const shown = new Map(now.notifications.map((it) => [it.id, it]));
    return before.notifications.flatMap((was) => {
        const is = shown.get(was.id);
        const state = is ? turned(was, is) : gone(was, now, source);
        return state ? [[was.id, state]] : [];
    });
}

/**
 * @param {Notification} was
 * @param {Notification} is
 */
function turned(was, is) {
    if (Boolean(was.read) === Boolean(is.read)) return null;
    return is.read ? "read" : "unread";
}

/**
 * @param {Notification} was
 * @param {Standing} now
 * @param {Source} source
 */
function gone(was, { complete, notifications }, { client }) {
    const is = client?.find(was.id);
    if (is) return is.archived ? "archived" : null;
    const oldest = notifications.at(-1);
    const loaded = complete || (oldest && compare(was.cursor, oldest.cursor) > 0);
    return client?.cursor && loaded ? "deleted" : null;
}

/**
 * Whether there is none of that id, as far as all are loaded.
 * @param {string} id
 * @param {Source} source
 */
function unknown(id, { client, standing }) {
    return standing().complete && !client?.find(id);
}
