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
];
const DAYS_LIMIT = 7;
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
 * Return how long ago a time was, or its date if that was a week or more. Days are those of the
 * calendar: "yesterday" is the day before this one.
 * @param {string} time ISO 8601
 * @param {number} now milliseconds since 1970
 * @param {string} language
 */
export function relativeTime(time, now, language) {
    const seconds = Math.round((Date.parse(time) - now) / 1000);
    if (Math.abs(seconds) < NOW_SECONDS)
        return relativeFormat(language, "long").format(0, "second");
    const unit = UNITS.find(([limit]) => Math.abs(seconds) < limit);
    const format = relativeFormat(language, "short");
    if (unit) return format.format(Math.trunc(seconds / unit[1]), unit[2]);
    const days = dayNumber(Date.parse(time)) - dayNumber(now);
    if (Math.abs(days) < DAYS_LIMIT) return format.format(days, "day");
    return dayFormat(language, now, time).format(new Date(time));
}

/** Return which day of the browser's calendar a time is in. @param {number} time ms since 1970 */
function dayNumber(time) {
    const date = new Date(time);
    return Date.UTC(date.getFullYear(), date.getMonth(), date.getDate()) / (DAY * 1000);
}

/**
 * Return the fields of a date: a year only if it is another one than now.
 * @param {number} now
 * @param {string} time
 * @returns {Intl.DateTimeFormatOptions}
 */
function dateFields(now, time) {
    const isThisYear = new Date(now).getFullYear() === new Date(time).getFullYear();
    return { day: "numeric", month: "short", ...(isThisYear ? {} : { year: "numeric" }) };
}

/** @param {string} language @param {"long" | "short"} style */
function relativeFormat(language, style) {
    return cached(
        `relative ${style} ${language}`,
        () => new Intl.RelativeTimeFormat(language, { numeric: "auto", style }),
    );
}

/** @param {string} language @param {number} now @param {string} time */
function dayFormat(language, now, time) {
    const fields = dateFields(now, time);
    const key = `day ${language} ${Boolean(fields.year)}`;
    return cached(key, () => new Intl.DateTimeFormat(language, fields));
}

/**
 * Return a time's date and hour.
 * @param {string} time ISO 8601
 * @param {number} now milliseconds since 1970
 * @param {string} language
 */
export function dateAndTime(time, now, language) {
    const fields = dateFields(now, time);
    /** @type {Intl.DateTimeFormatOptions} */
    const all = { weekday: "short", ...fields, hour: "2-digit", minute: "2-digit" };
    const key = `time ${language} ${Boolean(fields.year)}`;
    return cached(key, () => new Intl.DateTimeFormat(language, all)).format(new Date(time));
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

/**
 * Return the morning of a later day.
 * @param {number} now milliseconds since 1970
 * @param {number} days
 */
export function morningAfter(now, days) {
    const time = new Date(now);
    time.setDate(time.getDate() + days);
    time.setHours(MORNING_HOUR, 0, 0, 0);
    return time;
}
