// Muting: no more of what a notification is about beyond the page, and back as it was.

import { statingChange } from "../preferences/changes.js";

/** @import {Tidings} from "../../client.js" */
/** @import {Notification} from "../../client/protocol.js" */
/** @import {PreferenceChange, PreferenceState} from "../preferences/settings-types.js" */

/**
 * Return what a notification is about, as preferences name it; null if it is about nothing.
 * @param {Pick<Notification, "entity">} notification
 */
export function scopeOf({ entity }) {
    return entity ? `entity:${entity.type}:${entity.id}` : null;
}

/**
 * Send nothing more of a scope on any channel. Raises Error.
 * @param {Tidings} client
 * @param {string} of
 * @returns {Promise<() => Promise<void>>} states again what was chosen before
 */
export async function muteScope(client, of) {
    /** @type {PreferenceState} */
    const { preferences } = await client.request("/v1/preferences");
    const before = preferences.filter((it) => it.by === "user" && it.of === of);
    // One that names its channel would win over one for all channels.
    const named = before.filter(({ channel }) => channel);
    /** @type {PreferenceChange[]} */
    const changes = [
        { of, how: "never" },
        ...named.map(({ channel }) => ({ of, channel, clear: true })),
    ];
    await client.request("/v1/preferences", changes);
    const restored = before.map(statingChange);
    const hadGeneral = named.length < before.length;
    return () =>
        client.request(
            "/v1/preferences",
            hadGeneral ? restored : [{ of, clear: true }, ...restored],
        );
}
