// Settings: a person's settings as the edge has them, with changes that are not confirmed yet.

/** @import {Tidings} from "../../client.js" */
/** @import {SettingsChange, SettingsState} from "./settings-types.js" */

export class Settings {
    #client;
    #onChange;
    /** What the edge answered last. @type {SettingsState | null} */ #confirmed = null;
    /** In their order. @type {SettingsChange[]} */ #pending = [];
    /** Ends when all changes before were answered. @type {Promise<unknown>} */
    #queue = Promise.resolve();
    hasFailed = false;

    /** @param {Tidings} client @param {() => void} onChange */
    constructor(client, onChange) {
        this.#client = client;
        this.#onChange = onChange;
    }

    /** The settings with all changes; null until they are loaded. */
    get state() {
        return this.#pending.reduce(
            (state, change) => state && change.apply(state),
            this.#confirmed,
        );
    }

    get isChanging() {
        return this.#pending.length > 0;
    }

    /**
     * Load what the edge has now.
     * @param {number} [after] the sequence of an event that it must include
     */
    async load(after = 0) {
        try {
            await this.#read(after);
            this.hasFailed = false;
        } catch {
            this.hasFailed = !this.#confirmed;
        }
        this.#onChange();
    }

    /**
     * Show a change at once, and ask the edge for it after those before. It is rolled back if it is
     * refused; then the promise is rejected.
     * @param {SettingsChange} change
     */
    change(change) {
        this.#pending.push(change);
        this.#onChange();
        const answered = this.#queue.then(() => this.#send(change));
        this.#queue = answered.catch(() => {});
        return answered;
    }

    /** @param {SettingsChange} change */
    async #send(change) {
        try {
            const { sequence } = await change.send(this.#confirmed?.preferences.sequence ?? 0);
            await this.#confirm(change, sequence);
        } catch (error) {
            // What holds may be something else than what was shown before.
            await this.#read(0).catch(() => {});
            throw error;
        } finally {
            this.#pending = this.#pending.filter((it) => it !== change);
            this.#onChange();
        }
    }

    /**
     * Read the settings after a change that is in the log; if they cannot be read, it holds all the
     * same.
     * @param {SettingsChange} change
     * @param {number} sequence
     */
    async #confirm(change, sequence) {
        try {
            await this.#read(sequence);
        } catch {
            this.#confirmed = this.#confirmed && change.apply(this.#confirmed);
        }
    }

    /** @param {number} after the sequence of an event that the answer must include */
    async #read(after) {
        const paths = ["preferences", "addresses", "devices"];
        const [preferences, { addresses }, { devices, webpush }] = await Promise.all(
            paths.map((path) => this.#client.request(`/v1/${path}?after=${after}`)),
        );
        this.#confirmed = { preferences, addresses, devices, canPush: webpush };
    }
}
