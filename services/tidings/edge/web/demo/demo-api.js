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

/**
 * A mail in the list; `id` is its name in the mailbox.
 * @typedef {{id: string, received: string, subject: string}} Mail
 */

/**
 * Return the mails of a person, the newest first; `mailbox` is empty if nobody gets mails here.
 * @param {Run} run
 * @param {string} story
 * @param {string} user
 * @returns {Promise<{address: string, mailbox: string, mails: Mail[]}>}
 */
export function fetchMails({ name }, story, user) {
    return requestJson(`${mailsPath(story, user)}?${new URLSearchParams({ run: name })}`);
}

/**
 * Return the address of a mail's HTML, for a frame.
 * @param {Run} run
 * @param {string} story
 * @param {string} user
 * @param {string} id
 */
export function mailAddress({ name }, story, user, id) {
    const path = `${mailsPath(story, user)}/${encodeURIComponent(id)}/html`;
    return demoAddress(`${path}?${new URLSearchParams({ run: name })}`).href;
}

/** @param {string} story @param {string} user */
function mailsPath(story, user) {
    return `mails/${encodeURIComponent(story)}/${encodeURIComponent(user)}`;
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
    const response = await fetch(demoAddress(path), options);
    const answer = await response.json();
    if (!response.ok) throw new Error(answer.detail);
    return answer;
}

/** Return an address beside `/web/demo`, also where a proxy serves all of it below a path. */
function demoAddress(/** @type {string} */ path) {
    return new URL(`../../demo/${path}`, import.meta.url);
}
