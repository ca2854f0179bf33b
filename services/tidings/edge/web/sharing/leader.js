// Leader: holds the one connection of all tabs of an account, saves what comes, and sends the
// marks.

import { ConnectionManager } from "../client/connection-manager.js";
import { isMidReplay } from "../client/cursors.js";
import { requestJson } from "../client/http.js";
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
 * @typedef {ConnectionSettings & {account: string | null, keep: number}} LeaderSettings
 */

const ACK_DELAY_MILLISECONDS = 2000;

export class Leader {
    #settings;
    #report;
    #getToken;
    #store;
    #connection;
    #saver;
    #sender;
    #log = new LogState();
    /** @type {ConnectionStatus} */
    #status = { state: "offline", retryAt: null, reason: null, user: null, skew: 0 };
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
            getOwner: () => ({ user: this.#status.user, device: settings.device }),
        });
        this.#sender = new MarkSender({
            isLive: () => this.#status.state === "live",
            post: (body) => this.#post("/v1/notifications/mark", body),
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
        this.#status.user = saved?.user ?? null;
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

    /** Report the whole state. */
    reportLog() {
        if (this.#log.cursor) this.#report({ standing: this.#log.serialize() });
        this.#report({ status: this.#status });
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
        this.#report({ status: this.#status });
        if (changes.state === "live") this.#sender.sendOperations();
    }

    /** @param {Frame} frame @returns {boolean} false if the frame does not follow the last one */
    #handleFrame(frame) {
        if (frame.type === "hello") this.#handleHello(frame);
        const change = this.#log.applyFrame(frame);
        if (!change) return false;
        this.#report({ frame });
        if (frame.type === "entries" || frame.type === "snapshot" || frame.type === "reset") {
            this.#save(change.changed, change.whole);
            this.#scheduleAck();
        }
        return true;
    }

    /** @param {Hello} frame */
    #handleHello({ user, now }) {
        const previous = this.#status.user;
        const skew = now ? Date.parse(now) - Date.now() : this.#status.skew;
        this.#updateStatus({ user, skew });
        if (previous && previous !== user) this.#dropOtherUser();
    }

    /**
     * What was kept, and the marks that wait, are another person's: they must not be sent or shown.
     */
    #dropOtherUser() {
        const settled = this.#sender.dropAll();
        this.#log = new LogState();
        this.#saver.replaceAll(settled);
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
        await this.#post("/v1/acks", { device: this.#settings.device, cursor });
    }

    /**
     * @param {string} path
     * @param {object} body
     */
    async #post(path, body) {
        const address = new URL(path, this.#settings.url);
        const { partition } = this.#connection;
        if (partition) address.searchParams.set("partition", partition);
        return requestJson(address, body, this.#getToken);
    }
}
