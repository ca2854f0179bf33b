// Store: where a browser keeps what it was told, with its cursor, in one transaction; in memory alone where the browser refuses.

/** @import {Counts, Cursor, Notification, Operation} from "./protocol.js" */

/**
 * How a person's log stood when it was last saved; `user` is whose it is.
 * @typedef {{cursor: Cursor | null, counts: Counts, floor: Cursor | null, user: string | null, device: string}} Saved
 * @typedef {{saved: Saved | null, notifications: Notification[], operations: Operation[]}} Stored
 */

const VERSION = 1;
const OPEN_MILLISECONDS = 3000;

/** What is kept of one account. */
export class Store {
    /** @type {Promise<IDBDatabase | null>} */ #database;
    #name;

    /** @param {{url: string, account?: string | null}} terms whose, and told by which edge; null: nothing is kept */
    constructor({ url, account }) {
        this.#name = account && `tidings ${new URL(url).origin} ${account}`;
        this.#database = this.#open();
    }

    async #open() {
        return this.#name ? open(this.#name).catch(() => null) : null;
    }

    /**
     * All that is kept.
     * @returns {Promise<Stored>}
     */
    async read() {
        /** @type {Stored} */
        const nothing = { saved: null, notifications: [], operations: [] };
        const found = await this.#do("readonly", (tables) => [
            tables.state.get("saved"),
            tables.notifications.getAll(),
            tables.operations.getAll(),
        ]);
        return found ? { saved: found[0] ?? null, notifications: found[1], operations: found[2] } : nothing;
    }

    /**
     * Save a standing with all that changed since the last one, in one transaction; null if that failed, and all must be saved next.
     * @param {Saved} saved
     * @param {{whole?: boolean, changed: Notification[], gone: string[], settled: string[]}} change
     */
    save(saved, { whole, changed, gone, settled }) {
        return this.#do("readwrite", ({ state, notifications, operations }) => {
            if (whole) notifications.clear();
            for (const each of changed) notifications.put(each);
            for (const id of gone) notifications.delete(id);
            for (const op of settled) operations.delete(op);
            return [state.put(saved, "saved")];
        });
    }

    /** @param {Operation} operation */
    put(operation) {
        return this.#do("readwrite", ({ operations }) => [operations.put(operation)]);
    }

    /** @param {string} op */
    drop(op) {
        return this.#do("readwrite", ({ operations }) => [operations.delete(op)]);
    }

    /** Forget everything; once more if the database was closed under us. */
    async wipe() {
        const clear = () => this.#do("readwrite", (tables) => Object.values(tables).map((table) => table.clear()));
        (await clear()) ?? (await clear());
    }

    async close() {
        (await this.#database)?.close();
    }

    /**
     * Run one transaction; the results, or null where nothing can be kept.
     * @param {IDBTransactionMode} mode
     * @param {(tables: {state: IDBObjectStore, notifications: IDBObjectStore, operations: IDBObjectStore}) => IDBRequest[]} work
     * @returns {Promise<any[] | null>}
     */
    async #do(mode, work) {
        const database = await this.#database;
        try {
            return database && (await transact(database, mode, work));
        } catch {
            database?.close();
            this.#database = this.#open(); // closed under us, or full: what is not saved will be replayed
            return null;
        }
    }
}

/**
 * @param {string} name
 * @returns {Promise<IDBDatabase>}
 */
function open(name) {
    return new Promise((resolve, reject) => {
        const request = indexedDB.open(name, VERSION);
        setTimeout(reject, OPEN_MILLISECONDS);
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
 * @param {(tables: any) => IDBRequest[]} work
 * @returns {Promise<any[]>}
 */
function transact(database, mode, work) {
    return new Promise((resolve, reject) => {
        const names = ["state", "notifications", "operations"];
        const transaction = database.transaction(names, mode);
        const requests = work(Object.fromEntries(names.map((name) => [name, transaction.objectStore(name)])));
        if (mode === "readwrite") transaction.commit(); // now, for the page may be gone in a moment
        transaction.oncomplete = () => resolve(requests.map((request) => request.result));
        transaction.onerror = transaction.onabort = () => reject(transaction.error);
    });
}
