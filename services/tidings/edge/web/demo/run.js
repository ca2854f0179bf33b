// Run: which performance of the stories this tab shows. Each has people's logs of its own, so that
// nothing of other visitors, or of earlier times, is in them.

import { uuid } from "../client/uuid.js";

const STORAGE_KEY = "tidings demo run";

/**
 * `name`: of the run; `fromStart`: it began with empty lists; `played`: the scenes that have
 * happened, by story.
 * @typedef {{name: string, fromStart: boolean, played: Record<string, number[]>}} Run
 */

/** Return the run of this tab; it lasts until the tab is closed. @returns {Run} */
export function currentRun() {
    try {
        const stored = JSON.parse(sessionStorage.getItem(STORAGE_KEY) ?? "null");
        if (stored) return stored;
    } catch {
        // The browser refuses to keep anything: the run lasts until the page is loaded again.
    }
    return createRun(false);
}

/** Begin another run. @param {boolean} fromStart @returns {Run} */
export function createRun(fromStart) {
    const run = { name: uuid(), fromStart, played: {} };
    keepRun(run);
    return run;
}

/** Keep what has happened, for when the page is loaded again. @param {Run} run */
export function keepRun(run) {
    try {
        sessionStorage.setItem(STORAGE_KEY, JSON.stringify(run));
    } catch {
        // As above.
    }
}
