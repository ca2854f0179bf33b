// Changes: what a person can change of their settings: how it will look, and how it is asked for.

/** @import {Tidings} from "../../client.js" */
/** @import {Choice, OwnAddress, PreferenceChange, PreferenceState, QuietHours, SettingsChange,
 *     SettingsState, StatedPreference} from "./settings-types.js" */

const CATEGORY = "category:";

/**
 * Change preferences, all or none; refused if the settings changed elsewhere meanwhile.
 * @param {Tidings} client
 * @param {PreferenceChange[]} changes
 * @returns {SettingsChange}
 */
export function preferenceChange(client, changes) {
    return {
        apply: changingPreferences((preferences) => applyPreferences(preferences, changes)),
        send: (sequence) => {
            const headers = { "if-match": `"${sequence}"` };
            return client.request("/v1/preferences", changes, { headers });
        },
    };
}

/**
 * Replace the quiet hours; null: there are none.
 * @param {Tidings} client
 * @param {Omit<QuietHours, "by"> | null} hours
 * @returns {SettingsChange}
 */
export function quietHoursChange(client, hours) {
    const quiet = hours && { ...hours, by: /** @type {const} */ ("user") };
    return {
        apply: changingPreferences((preferences) => ({ ...preferences, quiet_hours: quiet })),
        send: () => replace(client, "/v1/quiet-hours", hours),
    };
}

/**
 * Pause until a time; null: the pause is over.
 * @param {Tidings} client
 * @param {string | null} until
 * @returns {SettingsChange}
 */
export function pauseChange(client, until) {
    const pause = until === null ? null : { until };
    return {
        apply: changingPreferences((preferences) => ({ ...preferences, pause })),
        send: () => replace(client, "/v1/pause", pause),
    };
}

/**
 * Give an address, or have it confirmed once more.
 * @param {Tidings} client
 * @param {{channel: OwnAddress["channel"], address: string, service?: string}} given
 * @returns {SettingsChange}
 */
export function addressChange(client, given) {
    const shown = { id: "", label: null, service: null, confirmed: false, suppressed: null };
    const isOther = (/** @type {OwnAddress} */ it) =>
        it.channel !== given.channel || it.address !== given.address;
    return {
        apply: (state) => ({
            ...state,
            addresses: [...state.addresses.filter(isOther), { ...shown, ...given }],
        }),
        send: () => client.request("/v1/addresses", given),
    };
}

/** @param {Tidings} client @param {string} id @returns {SettingsChange} */
export function addressRemoval(client, id) {
    return {
        apply: (state) => ({
            ...state,
            addresses: state.addresses.filter((it) => it.id !== id),
        }),
        send: () => remove(client, `/v1/addresses/${encodeURIComponent(id)}`),
    };
}

/** @param {Tidings} client @param {string} id @returns {SettingsChange} */
export function deviceRemoval(client, id) {
    return {
        apply: (state) => ({
            ...state,
            devices: state.devices.filter((it) => it.device_id !== id),
        }),
        send: () => remove(client, `/v1/devices/${encodeURIComponent(id)}`),
    };
}

/**
 * Return the changes after which a person has no word of their own about something on a channel.
 *
 * A word for all channels is replaced by one for each of the others.
 * @param {PreferenceState} state
 * @param {string} of
 * @param {Choice["channel"]} channel
 * @returns {PreferenceChange[]}
 */
export function clearingChanges({ preferences, categories }, of, channel) {
    const own = preferences.filter((it) => it.by === "user" && it.of === of);
    const named = own.filter((it) => it.channel === channel);
    /** @type {PreferenceChange[]} */
    const changes = named.map(() => ({ of, channel, clear: true }));
    const general = own.find((it) => it.channel === null);
    if (!general) return changes;
    const others = (categories[0]?.channels ?? [])
        .map((it) => it.channel)
        .filter((it) => it !== channel && !own.some((word) => word.channel === it));
    return [
        ...changes,
        { of, clear: true },
        ...others.map((other) => statingChange({ ...general, channel: other })),
    ];
}

/**
 * Return the change that states a preference again.
 * @param {StatedPreference} stated
 * @returns {PreferenceChange}
 */
export function statingChange({ of, channel, how, after_seconds, digest }) {
    return {
        ...{ of, how },
        ...(channel && { channel }),
        ...(after_seconds !== null && { after_seconds }),
        ...(digest && { digest }),
    };
}

/** @param {(preferences: PreferenceState) => PreferenceState} change */
function changingPreferences(change) {
    return (/** @type {SettingsState} */ state) => ({
        ...state,
        preferences: change(state.preferences),
    });
}

/** @param {PreferenceState} state @param {PreferenceChange[]} changes */
function applyPreferences(state, changes) {
    return changes.reduce(applyPreference, state);
}

/**
 * @param {PreferenceState} state
 * @param {PreferenceChange} change
 * @returns {PreferenceState}
 */
function applyPreference(state, change) {
    const isSame = (/** @type {StatedPreference} */ it) =>
        it.by === "user" && it.of === change.of && it.channel === (change.channel ?? null);
    const others = state.preferences.filter((it) => !isSame(it));
    // What holds instead of a word that is cleared, only the edge can tell.
    if (!change.how) return { ...state, preferences: others };
    /** @type {StatedPreference} */
    const stated = {
        ...{ of: change.of, channel: change.channel ?? null, how: change.how },
        ...{ after_seconds: change.after_seconds ?? null, digest: change.digest ?? null },
        ...{ required: false, by: "user", event: 0 },
    };
    const categories = state.categories.map(({ category, channels }) => ({
        category,
        channels: channels.map((choice) =>
            change.of === CATEGORY + category && [null, choice.channel].includes(stated.channel)
                ? applyToChoice(choice, stated)
                : choice,
        ),
    }));
    return { ...state, categories, preferences: [...others, stated] };
}

/** @param {Choice} choice @param {StatedPreference} stated @returns {Choice} */
function applyToChoice(choice, { of, channel, how, after_seconds, digest }) {
    if (choice.locked) return choice;
    const row = `user ${of} ${channel ?? "*"} ${how}`;
    return { ...choice, how, after_seconds, digest, because: { row, event: null } };
}

/** @param {Tidings} client @param {string} path @param {object | null} body null: delete it */
function replace(client, path, body) {
    return body ? client.request(path, body, { method: "PUT" }) : remove(client, path);
}

/** @param {Tidings} client @param {string} path */
function remove(client, path) {
    return client.request(path, null, { method: "DELETE" });
}
