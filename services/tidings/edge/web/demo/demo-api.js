// Demo API: what the page asks the demonstration's server for.

/** @import {Run} from "./run.js" */

/**
 * One step of a story. `told`: how many notifications each user gets of it.
 * @typedef {{kind: "happens" | "leaves" | "returns", words: string, types: string[],
 *     told: Record<string, number>, user: string | null}} Scene
 */

/**
 * @typedef {{name: string, title: string, people: Record<string, string>,
 *     locales: Record<string, string>, scenes: Scene[]}} Story
 */

/** @typedef {{type: string, actor: string | null, sequence: number}} LoggedEvent */

/** Return all stories. @returns {Promise<Story[]>} */
export function fetchStories() {
    return requestJson("stories");
}

/**
 * Return a token of a person of a story.
 * @param {Run} run
 * @param {string} story
 * @param {string} user
 * @returns {Promise<string>}
 */
export async function signIn(run, story, user) {
    const { token } = await requestJson("sign-in", { story, user, ...runFields(run) });
    return token;
}

/**
 * Make a scene happen.
 * @param {Run} run
 * @param {string} story
 * @param {number} number
 * @returns {Promise<LoggedEvent[]>} its events as they are in the log
 */
export function runScene(run, story, number) {
    return requestJson(`stories/${encodeURIComponent(story)}/scenes/${number}`, runFields(run));
}

/** @param {Run} run */
function runFields({ name, fromStart }) {
    return { run: name, from_start: fromStart };
}

/**
 * Send JSON; raises Error with the server's explanation.
 * @param {string} path
 * @param {object} [body] none: GET
 * @returns {Promise<any>}
 */
async function requestJson(path, body) {
    const headers = { "Content-Type": "application/json" };
    const options = body && { method: "POST", headers, body: JSON.stringify(body) };
    // Beside `/web/demo`, also where a proxy serves all of it below a path.
    const response = await fetch(new URL(`../../demo/${path}`, import.meta.url), options);
    const answer = await response.json();
    if (!response.ok) throw new Error(answer.detail);
    return answer;
}
