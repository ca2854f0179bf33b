// Format: times and numbers in a person's language.

const MINUTE = 60;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
/**
 * Up to how many seconds a unit is used, and how many seconds it has.
 * @type {[number, number, Intl.RelativeTimeFormatUnit][]}
 */
const UNITS = [
    [MINUTE, 1, "second"],
    [HOUR, MINUTE, "minute"],
    [DAY, HOUR, "hour"],
    [7 * DAY, DAY, "day"],
];
const NOW_SECONDS = 10;
const BADGE_LIMIT = 99;
const MORNING_HOUR = 8;

/**
 * Formatters by kind and language: making one costs more than using it.
 * @type {Map<string, any>}
 */
const formatters = new Map();

/**
 * @template T
 * @param {string} key
 * @param {() => T} create
 * @returns {T}
 */
function cached(key, create) {
    if (!formatters.has(key)) formatters.set(key, create());
    return formatters.get(key);
}

/**
 * Return how long ago a time was, or its date if that was more than a week.
 * @param {string} time ISO 8601
 * @param {number} now milliseconds since 1970
 * @param {string} language
 */
export function relativeTime(time, now, language) {
    const seconds = Math.round((Date.parse(time) - now) / 1000);
    if (Math.abs(seconds) < NOW_SECONDS)
        return relativeFormat(language, "long").format(0, "second");
    const unit = UNITS.find(([limit]) => Math.abs(seconds) < limit);
    if (!unit) return dayFormat(language).format(new Date(time));
    return relativeFormat(language, "short").format(Math.trunc(seconds / unit[1]), unit[2]);
}

/** @param {string} language @param {"long" | "short"} style */
function relativeFormat(language, style) {
    return cached(
        `relative ${style} ${language}`,
        () => new Intl.RelativeTimeFormat(language, { numeric: "auto", style }),
    );
}

/** @param {string} language */
function dayFormat(language) {
    return cached(
        `day ${language}`,
        () => new Intl.DateTimeFormat(language, { day: "numeric", month: "short" }),
    );
}

/**
 * Return a time's date and hour.
 * @param {string} time ISO 8601
 * @param {string} language
 */
export function dateAndTime(time, language) {
    const formatter = cached(
        `time ${language}`,
        () =>
            new Intl.DateTimeFormat(language, {
                weekday: "short",
                day: "numeric",
                month: "short",
                hour: "2-digit",
                minute: "2-digit",
            }),
    );
    return formatter.format(new Date(time));
}

/**
 * Return a count for a badge, which has little room.
 * @param {number} count
 */
export function cappedCount(count) {
    return count > BADGE_LIMIT ? `${BADGE_LIMIT}+` : String(count);
}

/**
 * Return the times until which a notification can be snoozed.
 * @param {number} now milliseconds since 1970
 * @returns {{name: "laterToday" | "tomorrow" | "nextWeek", time: Date}[]}
 */
export function snoozeTimes(now) {
    const daysToMonday = (8 - new Date(now).getDay()) % 7 || 7;
    return [
        { name: "laterToday", time: new Date(now + 3 * HOUR * 1000) },
        { name: "tomorrow", time: morningAfter(now, 1) },
        { name: "nextWeek", time: morningAfter(now, daysToMonday) },
    ];
}

/** @param {number} now @param {number} days */
function morningAfter(now, days) {
    const time = new Date(now);
    time.setDate(time.getDate() + days);
    time.setHours(MORNING_HOUR, 0, 0, 0);
    return time;
}
