// Leader: holds the one connection of all tabs of an account, saves what comes, and sends the
// marks.

import { ConnectionManager } from "../client/connection-manager.js";
import { isMidReplay } from "../client/cursors.js";
import { EdgeClock } from "../client/edge-clock.js";
import { edgeAddress, requestJson } from "../client/http.js";
import { isOtherPerson } from "../client/names.js";
import { LogState } from "../client/reducer.js";
import { Store } from "../client/store.js";
import { LogSaver } from "./log-saver.js";
import { MarkSender } from "./mark-sender.js";

/** @import {ConnectionSettings} from "../client/connection-manager.js" */
/** @import {TokenSource} from "../client/http.js" */
/** @import {ConnectionStatus, Cursor, Frame, Hello, Operation} from "../client/protocol.js" */
/** @import {SerializedLog} from "../client/reducer.js" */

/**
 * What a leader reports to the tabs; `led`: it has just begun to lead. The fields are those of
 * messages between tabs, which may run different versions of this code.
 * @typedef {object} LeaderReport
 * @property {Frame} [frame]
 * @property {SerializedLog} [standing] the whole state, for a tab that does not have it
 * @property {ConnectionStatus} [status]
 * @property {{op: string, cursor: Cursor}} [confirmed]
 * @property {{op: string, error: string}} [refused]
 * @property {{code: string, message: string, temporary: boolean}} [error]
 * @property {number} [led]
 */

/**
 * `account`: whose state is kept; null: none is. `keep`: how many notifications are kept.
 * `usesCookie`: a cookie identifies the person.
 * @typedef {ConnectionSettings & {account: string | null, keep: number, usesCookie: boolean}
 *     } LeaderSettings
 */

const ACK_DELAY_MILLISECONDS = 2000;
const SAVED_FRAMES = ["snapshot", "entries", "reset"];
/** What the edge answers to a cursor that it cannot replay, such as another person's. */
const GONE_STATUS = 410;

export class Leader {
    #settings;
    #report;
    #getToken;
    #store;
    #connection;
    #saver;
    #sender;
    #log = new LogState();
    #clock = new EdgeClock();
    /** @type {ConnectionStatus} */
    #status = { state: "offline", retryAt: null, reason: null, user: null, tenant: null, skew: 0 };
    /** @type {ReturnType<typeof setTimeout> | undefined} */ #ackTimer;

    /**
     * @param {LeaderSettings} settings
     * @param {TokenSource} getToken
     * @param {(report: LeaderReport) => void} report
     */
    constructor(settings, getToken, report) {
        this.#settings = { ...settings };
        this.#getToken = getToken;
        this.#report = report;
        this.#store = new Store(settings);
        this.#saver = new LogSaver(this.#store, {
            getKeep: () => this.#settings.keep,
            getLog: () => this.#log,
            getOwner: () => {
                const { user, tenant } = this.#status;
                return { user, tenant, device: settings.device };
            },
        });
        this.#sender = new MarkSender({
            isLive: () => this.#status.state === "live",
            post: (body) => this.#request("/v1/notifications/mark", {}, body),
            onConfirmed: (confirmed) => {
                report({ confirmed });
                this.#save([], false);
            },
            onRefused: async (refused) => {
                await this.#store.deleteOperation(refused.op);
                report({ refused });
            },
        });
        this.#connection = new ConnectionManager(settings, {
            getToken,
            getCursor: () => this.#log.cursor,
            onFrame: (frame) => this.#handleFrame(frame),
            onState: (state, more) =>
                this.#updateStatus({ state, retryAt: null, reason: null, ...more }),
            onError: (error) => report({ error }),
        });
    }

    /** Lead, beginning with what is kept, until stopped. */
    async run() {
        const { saved, notifications, operations } = await this.#store.readLog();
        if (saved) this.#log = LogState.from({ ...saved, notifications });
        this.#sender.restore(operations);
        const { user = null, tenant = null } = saved ?? {};
        Object.assign(this.#status, { user, tenant });
        this.#report({ led: Date.now() });
        await this.#connection.run();
        await this.#saver.finished; // the next leader begins with what is kept
    }

    stop() {
        clearTimeout(this.#ackTimer);
        this.#sender.stop();
        this.#connection.stop();
    }

    /** Reconnect now, or check that the connection works. */
    wake() {
        this.#connection.wake();
    }

    /** Stop, and delete what is kept. */
    async forgetLog() {
        this.stop();
        this.#settings.keep = 0; // a save that is under way writes nothing after the deletion
        this.#log = new LogState();
        await this.#store.deleteAll();
    }

    /** Report the whole state to a tab that has come. */
    reportLog() {
        this.#checkCookie();
        if (this.#log.cursor) this.#report({ standing: this.#log.serialize() });
        this.#reportStatus();
    }

    #reportStatus() {
        this.#report({ status: { ...this.#status, skew: this.#clock.skew } });
    }

    /** Send a mark of some tab's. @param {Operation} operation */
    addOperation(operation) {
        this.#sender.addOperation(operation);
    }

    /** Drop a mark that was undone before it was sent. @param {string} op */
    withdrawOperation(op) {
        this.#sender.withdrawOperation(op);
    }

    /** @param {Partial<ConnectionStatus>} changes */
    #updateStatus(changes) {
        this.#status = { ...this.#status, ...changes };
        this.#reportStatus();
        if (changes.state === "live") this.#sender.sendOperations();
    }

    /** @param {Frame} frame @returns {boolean} false if the frame does not follow the last one */
    #handleFrame(frame) {
        if (frame.type === "hello") this.#handleHello(frame);
        const change = this.#log.applyFrame(frame);
        if (!change) return false;
        // With the counts themselves: a tab of an older version does not add differences.
        const counted = { ...frame, counts: this.#log.counts, counts_delta: undefined };
        this.#report({ frame: /** @type {Frame} */ (counted) });
        if (SAVED_FRAMES.includes(frame.type)) {
            this.#save(change.changed, change.whole);
            this.#scheduleAck();
        }
        return true;
    }

    /** @param {Hello} frame */
    #handleHello({ user, tenant, now }) {
        const previous = this.#status;
        if (now) this.#clock.setSkew(Date.parse(now) - Date.now());
        this.#updateStatus({ user, tenant: tenant ?? null });
        if (isOtherPerson(previous, this.#status)) this.#dropOtherPerson();
    }

    /**
     * What was kept, and the marks that wait, are another person's: they must not be sent or shown.
     */
    #dropOtherPerson() {
        const settled = this.#sender.dropAll();
        this.#log = new LogState();
        this.#saver.replaceAll(settled);
    }

    /**
     * Connect anew if the cookie is another person's by now: the tab that has come may be of a page
     * at which someone else signed in.
     */
    async #checkCookie() {
        const { cursor } = this.#log;
        if (!cursor || !this.#settings.usesCookie || this.#status.state !== "live") return;
        const refusal = await this.#request("/v1/log", { after: cursor }, null).catch((it) => it);
        if (refusal.needsToken || refusal.code === GONE_STATUS) this.#connection.reconnect();
    }

    /** @param {Iterable<string>} changed @param {boolean} whole */
    #save(changed, whole) {
        this.#saver.requestSave(changed, whole, this.#sender.dropReached(this.#log.cursor));
    }

    /** Tell the edge what this device has, once nothing has come for a while. */
    #scheduleAck() {
        clearTimeout(this.#ackTimer);
        this.#ackTimer = setTimeout(() => this.#sendAck().catch(() => {}), ACK_DELAY_MILLISECONDS);
    }

    async #sendAck() {
        const { cursor } = this.#log;
        if (!cursor || isMidReplay(cursor) || this.#connection.acknowledge(cursor)) return;
        await this.#request("/v1/acks", {}, { device: this.#settings.device, cursor });
    }

    /**
     * @param {string} path
     * @param {Record<string, string>} query
     * @param {object | null} body
     */
    async #request(path, query, body) {
        const { partition } = this.#connection;
        const address = edgeAddress(this.#settings.url, path, { ...query, partition });
        return requestJson(address, body, this.#getToken);
    }
}
