// Words: how the stage speaks of people, numbers and times.

/** @param {string} user */
export function named(user) {
    return user[0].toUpperCase() + user.slice(1);
}

/** @param {number} milliseconds */
export function lasting(milliseconds) {
    return milliseconds < 1 ? "under 1 ms" : `${Math.round(milliseconds)} ms`;
}

/**
 * What somebody who is back is told: how many they missed, and how long it took to make up for it.
 * @param {number} missed
 * @param {number} shown
 * @param {number} milliseconds
 */
export function back(missed, shown, milliseconds) {
    if (missed === 0) return `Back in ${lasting(milliseconds)}: nothing was missed`;
    const order = missed > shown ? `, shown as ${shown}` : shown > 1 ? ", in order" : "";
    return `Back: ${missed} missed${order}, in ${lasting(milliseconds)}`;
}

/** What somebody who is cut off has missed until now. @param {number} missed */
export function away(missed) {
    return missed ? `Cut off: ${missed} missed so far` : "Cut off: nothing missed yet";
}
