// Choices: how things go out on a channel, in words: what can be chosen, and whose word holds.

/** @import {Message, MessageName, Messages} from "../messages.js" */
/** @import {Choice, DigestTime, How, PreferenceState} from "./settings-types.js" */

/**
 * What a preference row names; `channel` is null if it is for all channels.
 * @typedef {{by: "user" | "tenant", of: string, channel: string | null, how: string}} DecidingRow
 */

const MINUTE = 60;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
const UNREAD_SECONDS = [10 * MINUTE, HOUR, DAY];
const ROW = /^(user|tenant) (.+) (\S+) (now|unread|digest|never)$/s;
const ALL_CHANNELS = "*";

/** The value that stands for having no word of one's own. */
export const DEFAULT_VALUE = "default";

/**
 * Return the value of a choice in a list of options, such as `unread:600`.
 * @param {{how: How, after_seconds: number | null}} choice
 */
export function choiceValue({ how, after_seconds }) {
    return how === "unread" ? `unread:${after_seconds ?? UNREAD_SECONDS[0]}` : how;
}

/**
 * Return what a value stands for.
 * @param {string} value
 * @param {DigestTime | null} digest when summaries leave
 * @returns {{how: How, after_seconds?: number, digest?: DigestTime}}
 */
export function choiceOf(value, digest) {
    const [how, seconds] = value.split(":");
    if (how === "unread") return { how, after_seconds: Number(seconds) };
    if (how === "digest") return { how, ...(digest && { digest }) };
    return { how: /** @type {How} */ (how) };
}

/**
 * Return all values that can be chosen, with the present one.
 * @param {string} present
 */
export function choiceValues(present) {
    const unread = UNREAD_SECONDS.map((seconds) => `unread:${seconds}`);
    const values = ["now", ...unread, "digest", "never"];
    if (present === DEFAULT_VALUE || values.includes(present)) return values;
    return ["now", present, ...values.slice(1)];
}

/** Say what a value stands for. @param {Messages} messages @param {string} value */
export function valueText(messages, value) {
    const [how, seconds] = value.split(":");
    switch (how) {
        case "now":
            return messages.text("howNow");
        case "unread":
            return messages.text("howUnread", { time: spanText(messages, Number(seconds)) });
        case "digest":
            return messages.text("howDigest");
        case "never":
            return messages.text("howNever");
        default:
            return messages.text("howDefault");
    }
}

/**
 * Say how long something is.
 * @param {Messages} messages
 * @param {number} seconds
 */
export function spanText(messages, seconds) {
    const [unit, size] = /** @type {[string, number]} */ (
        [
            ["day", DAY],
            ["hour", HOUR],
            ["minute", MINUTE],
        ].find(([, each]) => seconds >= Number(each) && seconds % Number(each) === 0) ?? [
            "second",
            1,
        ]
    );
    const options = { style: "unit", unit, unitDisplay: "long" };
    const format = new Intl.NumberFormat(
        messages.language,
        /** @type {Intl.NumberFormatOptions} */ (options),
    );
    return format.format(seconds / size);
}

/** Return what the key of a deciding row says; null: nobody chose. @param {string} row */
export function parseRow(row) {
    const [, by, of, channel, how] = ROW.exec(row) ?? [];
    if (!by) return null;
    const named = channel === ALL_CHANNELS ? null : channel;
    return /** @type {DecidingRow} */ ({ by, of, channel: named, how });
}

/**
 * Say in a few words whose choice holds.
 * @param {Messages} messages
 * @param {Pick<Choice, "because" | "locked">} choice
 */
export function ownerText(messages, { because, locked }) {
    if (locked) return messages.text("required");
    const by = parseRow(because.row)?.by;
    if (!by) return messages.text("byDefault");
    return messages.text(by === "user" ? "byYou" : "byTenant");
}

/**
 * Say why a choice holds: whose word it is, about what, and which event states it.
 * @param {Messages} messages
 * @param {Pick<Choice, "because" | "locked">} choice
 */
export function becauseText(messages, { because, locked }) {
    const row = parseRow(because.row);
    if (!row) return messages.text("whyDefault");
    const of = scopeText(messages, row.of);
    const channel = row.channel
        ? channelText(messages, row.channel)
        : messages.text("everyChannel");
    const name = row.by === "user" ? "whyYou" : locked ? "whyRequired" : "whyTenant";
    const word = messages.text(name, { of, channel });
    if (because.event === null) return word;
    return `${word} ${messages.text("statedBy", { event: String(because.event) })}`;
}

/** @param {Messages} messages @param {string} channel */
export function channelText(messages, channel) {
    return namedText(messages, "channel", channel);
}

/** @param {Messages} messages @param {string} category */
export function categoryText(messages, category) {
    return namedText(messages, "category", category);
}

/**
 * Say what a preference is about.
 * @param {Messages} messages
 * @param {string} of `all`, `category:task`, `entity:task:456`, …
 */
export function scopeText(messages, of) {
    const [, kind, name] = /^([a-z]+):(.*)$/s.exec(of) ?? [];
    if (!kind) return messages.text("everything");
    if (kind === "category") return categoryText(messages, name);
    return kind === "type" ? name : name.replace(":", " ").replaceAll("_", " ");
}

/**
 * Say when summaries leave.
 * @param {Messages} messages
 * @param {DigestTime} digest
 */
export function digestText(messages, { every, at, day }) {
    switch (every) {
        case "gathered":
            return messages.text("digestGathered");
        case "hourly":
            return messages.text("digestHourly");
        case "daily":
            return messages.text("digestDaily", { time: clockText(messages, at) });
        case "weekly":
            return messages.text("digestWeekly", {
                time: clockText(messages, at),
                day: dayText(messages, day, "long"),
            });
    }
}

/** @type {readonly ["mon", "tue", "wed", "thu", "fri", "sat", "sun"]} */
export const DAYS = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];
/** A Monday. */
const FIRST_DAY = Date.UTC(2024, 0, 1);

/**
 * Return a day's name.
 * @param {Messages} messages
 * @param {typeof DAYS[number]} day
 * @param {"long" | "short"} weekday
 */
export function dayText(messages, day, weekday) {
    const format = new Intl.DateTimeFormat(messages.language, { weekday, timeZone: "UTC" });
    return format.format(FIRST_DAY + DAYS.indexOf(day) * DAY * 1000);
}

/** Return a time of the wall clock. @param {Messages} messages @param {string} time `22:00` */
export function clockText(messages, time) {
    const [hours, minutes] = time.split(":").map(Number);
    const format = new Intl.DateTimeFormat(messages.language, {
        ...{ hour: "2-digit", minute: "2-digit", timeZone: "UTC" },
    });
    return format.format(FIRST_DAY + (hours * HOUR + minutes * MINUTE) * 1000);
}

/**
 * Return how everything is wanted on a channel that nothing more specific is said about; null if
 * nobody said.
 * @param {PreferenceState} state
 * @param {string} channel
 */
export function generalPreference({ preferences }, channel) {
    const about = preferences.filter(
        (it) => it.of === "all" && (it.channel === null || it.channel === channel),
    );
    const rank = (/** @type {typeof about[number]} */ it) =>
        Number(it.required) * 4 + Number(it.by === "user") * 2 + Number(it.channel !== null);
    return about.sort((a, b) => rank(b) - rank(a))[0] ?? null;
}

/**
 * Return a name's text, or the name itself if there is none.
 * @param {Messages} messages
 * @param {"channel" | "category"} kind
 * @param {string} name
 */
function namedText(messages, kind, name) {
    const camel = `_${name}`.replace(/_([a-z])/g, (_, letter) => letter.toUpperCase());
    const text = messages.text(/** @type {MessageName} */ (kind + camel));
    return text || name.replaceAll("_", " ");
}
