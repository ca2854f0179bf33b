// Format: moments and numbers as people read them, in their language.

const MINUTE = 60;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
/** @type {[number, number, Intl.RelativeTimeFormatUnit][]} */
const UNITS = [
    [MINUTE, 1, "second"],
    [HOUR, MINUTE, "minute"],
    [DAY, HOUR, "hour"],
    [7 * DAY, DAY, "day"],
];
const BADGE_LIMIT = 99;

/** @type {Map<string, any>} */
const made = new Map();

/**
 * @template T
 * @param {string} key
 * @param {() => T} make
 * @returns {T}
 */
function once(key, make) {
    if (!made.has(key)) made.set(key, make());
    return made.get(key);
}

/**
 * How long ago, or the date if that was more than a week.
 * @param {string} at ISO 8601
 * @param {number} now milliseconds since 1970
 * @param {string} language
 */
export function ago(at, now, language) {
    const seconds = Math.round((Date.parse(at) - now) / 1000);
    if (Math.abs(seconds) < 10) return once(`now ${language}`, () => new Intl.RelativeTimeFormat(language, { numeric: "auto" })).format(0, "second");
    const unit = UNITS.find(([limit]) => Math.abs(seconds) < limit);
    if (!unit) return once(`day ${language}`, () => new Intl.DateTimeFormat(language, { day: "numeric", month: "short" })).format(new Date(at));
    const relative = once(`ago ${language}`, () => new Intl.RelativeTimeFormat(language, { numeric: "auto", style: "short" }));
    return relative.format(Math.trunc(seconds / unit[1]), unit[2]);
}

/**
 * A moment in full.
 * @param {string} at
 * @param {string} language
 */
export function moment(at, language) {
    const options = /** @type {const} */ ({ weekday: "short", day: "numeric", month: "short", hour: "2-digit", minute: "2-digit" });
    return once(`moment ${language}`, () => new Intl.DateTimeFormat(language, options)).format(new Date(at));
}

/**
 * A count where there is little room.
 * @param {number} count
 */
export function capped(count) {
    return count > BADGE_LIMIT ? `${BADGE_LIMIT}+` : String(count);
}

/**
 * The moments that one may put something off to.
 * @param {number} now milliseconds since 1970
 * @returns {{name: "laterToday" | "tomorrow" | "nextWeek", at: Date}[]}
 */
export function laters(now) {
    const morning = (/** @type {number} */ days) => {
        const at = new Date(now);
        at.setDate(at.getDate() + days);
        at.setHours(8, 0, 0, 0);
        return at;
    };
    const monday = (8 - new Date(now).getDay()) % 7 || 7;
    return [
        { name: "laterToday", at: new Date(now + 3 * HOUR * 1000) },
        { name: "tomorrow", at: morning(1) },
        { name: "nextWeek", at: morning(monday) },
    ];
}
