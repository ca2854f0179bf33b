// Store: what a browser keeps of one account for the next visit, in IndexedDB.

import { storageName } from "./names.js";

/** @import {Counts, Cursor, Notification, Operation} from "./protocol.js" */

/**
 * The last state saved; `user` and `tenant` say whose it is. Notifications are stored beside it.
 * @typedef {object} SavedLog
 * @property {Cursor | null} cursor
 * @property {Counts} counts
 * @property {Cursor | null} floor
 * @property {string | null} user
 * @property {string | null} [tenant] absent from what an older client saved
 * @property {string} device
 */

/**
 * @typedef {{saved: SavedLog | null, notifications: Notification[], operations: Operation[]}}
 *     StoredLog
 */

/**
 * What changed since the last save: notifications to write and ids to delete, and the names of
 * operations that are done. `whole`: all other notifications are deleted.
 * @typedef {{whole?: boolean, changed: Notification[], gone: string[], settled: string[]}}
 *     LogChange
 */

/** @typedef {"state" | "notifications" | "operations"} TableName */

const VERSION = 1;
const OPEN_TIMEOUT_MILLISECONDS = 3000;
const TRANSACTION_TIMEOUT_MILLISECONDS = 10_000;
/** @type {TableName[]} */
const TABLES = ["state", "notifications", "operations"];

/**
 * Where the browser refuses storage (private windows, policies), nothing is kept and nothing fails:
 * every method then returns null or the empty state.
 */
export class Store {
    /** @type {Promise<IDBDatabase | null>} */ #database;
    #name;

    /**
     * @param {{url: string, account?: string | null}} settings without an account nothing is kept
     */
    constructor({ url, account }) {
        this.#name = account && storageName(url, account);
        this.#database = this.#open();
    }

    async #open() {
        return this.#name ? openDatabase(this.#name).catch(() => null) : null;
    }

    /**
     * Read all that is kept.
     * @returns {Promise<StoredLog>}
     */
    async readLog() {
        const results = await this.#transact("readonly", (tables) => [
            tables.state.get("saved"),
            tables.notifications.getAll(),
            tables.operations.getAll(),
        ]);
        const [saved = null, notifications = [], operations = []] = results ?? [];
        return { saved, notifications, operations };
    }

    /**
     * Save a state with all that changed since the last save.
     *
     * One transaction holds both: the cursor never runs ahead of what was kept, so whatever is lost
     * is replayed.
     * @param {SavedLog} saved
     * @param {LogChange} change
     * @returns {Promise<unknown>} null if it failed: the next save must be `whole`
     */
    saveLog(saved, { whole, changed, gone, settled }) {
        return this.#transact("readwrite", ({ state, notifications, operations }) => {
            if (whole) notifications.clear();
            for (const notification of changed) notifications.put(notification);
            for (const id of gone) notifications.delete(id);
            for (const op of settled) operations.delete(op);
            return [state.put(saved, "saved")];
        });
    }

    /** @param {Operation} operation */
    putOperation(operation) {
        return this.#transact("readwrite", ({ operations }) => [operations.put(operation)]);
    }

    /** @param {string} op */
    deleteOperation(op) {
        return this.#transact("readwrite", ({ operations }) => [operations.delete(op)]);
    }

    /** Delete everything; a second attempt is made if the browser closed the database meanwhile. */
    async deleteAll() {
        const clear = () =>
            this.#transact("readwrite", (tables) => TABLES.map((name) => tables[name].clear()));
        (await clear()) ?? (await clear());
    }

    async close() {
        (await this.#database)?.close();
    }

    /**
     * Run one transaction.
     * @param {IDBTransactionMode} mode
     * @param {(tables: Record<TableName, IDBObjectStore>) => IDBRequest[]} work
     * @returns {Promise<any[] | null>} the results; null where nothing can be kept
     */
    async #transact(mode, work) {
        const database = await this.#database;
        try {
            return database && (await runTransaction(database, mode, work));
        } catch {
            // The person cleared the site's data, or the disk is full. What is not saved will be
            // replayed; a new database is opened for what comes.
            database?.close();
            this.#database = this.#open();
            return null;
        }
    }
}

/**
 * @param {string} name
 * @returns {Promise<IDBDatabase>}
 */
function openDatabase(name) {
    return new Promise((resolve, reject) => {
        const request = indexedDB.open(name, VERSION);
        setTimeout(reject, OPEN_TIMEOUT_MILLISECONDS); // some browsers never answer at all
        request.onerror = request.onblocked = reject;
        request.onupgradeneeded = () => {
            request.result.createObjectStore("state");
            request.result.createObjectStore("notifications", { keyPath: "id" });
            request.result.createObjectStore("operations", { keyPath: "op" });
        };
        request.onsuccess = () => {
            request.result.onversionchange = () => request.result.close();
            resolve(request.result);
        };
    });
}

/**
 * @param {IDBDatabase} database
 * @param {IDBTransactionMode} mode
 * @param {(tables: Record<TableName, IDBObjectStore>) => IDBRequest[]} work
 * @returns {Promise<any[]>}
 */
function runTransaction(database, mode, work) {
    return new Promise((resolve, reject) => {
        const transaction = database.transaction(TABLES, mode);
        setTimeout(reject, TRANSACTION_TIMEOUT_MILLISECONDS);
        const tables = TABLES.map((name) => [name, transaction.objectStore(name)]);
        const requests = work(Object.fromEntries(tables));
        // Commit at once: the page may be gone before the browser does it by itself.
        if (mode === "readwrite") transaction.commit();
        transaction.oncomplete = () => resolve(requests.map((request) => request.result));
        transaction.onerror = transaction.onabort = () => reject(transaction.error);
    });
}
