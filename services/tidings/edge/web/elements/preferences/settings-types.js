// Settings: what the edge says of a person's settings, as types; no code runs here.

/**
 * @typedef {"email" | "push" | "webhook" | "chat"} ChannelName
 * @typedef {"now" | "unread" | "digest" | "never"} How at once; if it is unread after a while; in a
 *     summary; not at all
 * @typedef {"mon" | "tue" | "wed" | "thu" | "fri" | "sat" | "sun"} Day
 * @typedef {{every: "gathered" | "hourly" | "daily" | "weekly", at: string, day: Day}} DigestTime
 */

/**
 * How something goes out on a channel. `because`: the setting that decides, and the sequence of the
 * event that states it; `locked`: the tenant requires it.
 * @typedef {object} Choice
 * @property {ChannelName} channel
 * @property {How} how
 * @property {number | null} after_seconds
 * @property {DigestTime | null} digest
 * @property {{row: string, event: number | null}} because
 * @property {boolean} locked
 */

/**
 * A preference as it was stated, by the user or for all of the tenant; without `channel` it is for
 * all of them.
 * @typedef {object} StatedPreference
 * @property {string} of `all`, `category:task`, `entity:task:456`, …
 * @property {ChannelName | null} channel
 * @property {How} how
 * @property {number | null} after_seconds
 * @property {DigestTime | null} digest
 * @property {boolean} required
 * @property {"user" | "tenant"} by
 * @property {number} event
 */

/**
 * A change of a preference: `how`, or `clear`.
 * @typedef {{of: string, channel?: ChannelName | null, how?: How, after_seconds?: number | null,
 *     digest?: DigestTime | null, clear?: boolean}} PreferenceChange
 */

/** @typedef {{days: Day[], begin: string, until: string}} QuietWindow */
/**
 * @typedef {{zone: string | null, windows: QuietWindow[], channels: string[],
 *     by: "user" | "tenant"}} QuietHours
 */

/**
 * The answer of `GET /v1/preferences`.
 * @typedef {object} PreferenceState
 * @property {{category: string, channels: Choice[]}[]} categories
 * @property {StatedPreference[]} preferences
 * @property {QuietHours | null} quiet_hours
 * @property {{until: string} | null} pause
 * @property {string} zone
 * @property {number} sequence of the newest event that changed any of it
 */

/**
 * @typedef {object} OwnAddress
 * @property {string} id
 * @property {"email" | "webhook" | "chat"} channel
 * @property {string} address
 * @property {string | null} label
 * @property {string | null} service
 * @property {boolean} confirmed
 * @property {{reason: string, code: string | null} | null} suppressed
 */

/**
 * @typedef {{device_id: string, kind: string, app: string | null,
 *     suppressed: string | null}} OwnDevice
 */

/**
 * All that is shown. `canPush`: the edge sends web pushes.
 * @typedef {{preferences: PreferenceState, addresses: OwnAddress[], devices: OwnDevice[],
 *     canPush: boolean}} SettingsState
 */

/**
 * A change of the settings. `apply` returns the state as it will be; `send` asks for it, and
 * returns the sequence of its event.
 * @typedef {object} SettingsChange
 * @property {(state: SettingsState) => SettingsState} apply
 * @property {(sequence: number) => Promise<{sequence: number}>} send gets the sequence of the state
 *     that it was made of
 */

export {};
