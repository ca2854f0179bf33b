// Log saver: saves the leader's state, one transaction at a time.

/** @import {Notification} from "../client/protocol.js" */
/** @import {LogState} from "../client/reducer.js" */
/** @import {Store} from "../client/store.js" */

/**
 * Where the saver reads what it saves; at the time of saving, not of the request.
 * @typedef {object} SaverSource
 * @property {() => number} getKeep how many notifications to keep
 * @property {() => LogState} getLog
 * @property {() => {user: string | null, tenant: string | null, device: string}} getOwner
 */

/**
 * What must be saved next: ids that changed, and operations that are done.
 * @typedef {{whole: boolean, changed: Set<string>, settled: Set<string>}} SaveRequest
 */

export class LogSaver {
    #store;
    #source;
    /** @type {SaveRequest | null} */ #request = null;
    /** The save under way; null: none. @type {Promise<void> | null} */ finished = null;
    /** Whether a save failed: the next one must write everything. */ #hasGap = false;

    /**
     * @param {Store} store
     * @param {SaverSource} source
     */
    constructor(store, source) {
        this.#store = store;
        this.#source = source;
    }

    /**
     * Save what changed; requests that come during a save are saved together next.
     * @param {Iterable<string>} changed
     * @param {boolean} whole everything was replaced
     * @param {string[]} settled
     */
    requestSave(changed, whole, settled) {
        const previous = whole ? null : this.#request;
        this.#request = {
            whole: whole || Boolean(previous?.whole),
            changed: new Set([...(previous?.changed ?? []), ...changed]),
            settled: new Set([...(this.#request?.settled ?? []), ...settled]),
        };
        this.finished ??= this.#saveAll();
    }

    /** Replace all that is kept, whatever was requested before. @param {string[]} settled */
    replaceAll(settled) {
        this.#request = { whole: true, changed: new Set(), settled: new Set(settled) };
        this.finished ??= this.#saveAll();
    }

    async #saveAll() {
        for (let request = this.#request; request; request = this.#request) {
            this.#request = null;
            await this.#save(request);
        }
        this.finished = null;
    }

    /** @param {SaveRequest} request */
    async #save({ whole, changed: ids, settled }) {
        const log = this.#source.getLog();
        const gone = log.trimTo(this.#source.getKeep());
        const { cursor, counts, floor, notifications } = log;
        const isWhole = whole || this.#hasGap;
        /** @type {Notification[]} */
        const changed = [];
        for (const id of isWhole ? notifications.keys() : ids) {
            const it = notifications.get(id);
            if (it) changed.push(it);
            else gone.push(id);
        }
        const saved = { cursor, counts, floor, ...this.#source.getOwner() };
        const change = { whole: isWhole, changed, gone, settled: [...settled] };
        this.#hasGap = !(await this.#store.saveLog(saved, change));
    }
}
