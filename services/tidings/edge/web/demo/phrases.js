// Phrases: people, durations and absences in words.

/** Return a user's name. @param {string} user */
export function displayName(user) {
    return user[0].toUpperCase() + user.slice(1);
}

/** @param {number} milliseconds */
export function durationText(milliseconds) {
    return milliseconds < 1 ? "under 1 ms" : `${Math.round(milliseconds)} ms`;
}

/**
 * Say how many a person who is back missed, and how long catching up took.
 * @param {number} missed
 * @param {number} shown in how many rows they are shown
 * @param {number} milliseconds
 */
export function returnText(missed, shown, milliseconds) {
    const duration = durationText(milliseconds);
    if (missed === 0) return `Back in ${duration}: nothing was missed`;
    const order = missed > shown ? `, shown as ${shown}` : shown > 1 ? ", in order" : "";
    return `Back: ${missed} missed${order}, in ${duration}`;
}

/** Say how many a person who is cut off has missed. @param {number} missed */
export function absenceText(missed) {
    return missed ? `Cut off: ${missed} missed so far` : "Cut off: nothing missed yet";
}
