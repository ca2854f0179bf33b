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

/**
 * Say what is planned for a person.
 * @param {string} name
 * @param {number} count of mails that wait
 * @param {number} seconds until the next of them
 */
export function plannedText(name, count, seconds) {
    const when = seconds > 0 ? `in ${seconds} s` : "now";
    const what = count > 1 ? `${count} mails are planned, the next` : "A mail is planned";
    return `${what} ${when}, unless ${name} reads it in the bell.`;
}

/**
 * Say what became of a delivery; one that is held though it is settled was read.
 * @param {string} name
 * @param {string} title of the notification
 * @param {{state: string, why: {code: string} | null}} delivery
 */
export function fateText(name, title, { state, why }) {
    if (state === "sent") return `Mailed: ${title}`;
    const isRead = state === "held" || why?.code === "read";
    return isRead ? `Not mailed, ${name} read it: ${title}` : `Not mailed: ${title}`;
}
