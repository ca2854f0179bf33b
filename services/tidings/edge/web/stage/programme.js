// Programme: what the server knows of the stage: its stories, signing in, and making a scene happen.

/** @typedef {{kind: "happens" | "leaves" | "returns", words: string, types: string[], told: Record<string, number>, user: string | null}} Act */
/** @typedef {{name: string, title: string, tenant: string, people: Record<string, string>, locales: Record<string, string>, scenes: Act[]}} Play */
/** @typedef {{type: string, actor: string | null, sequence: number}} Happened */

/** All stories. @returns {Promise<Play[]>} */
export function stories() {
    return ask("/demo/stories");
}

/**
 * A token of one of a story's people.
 * @param {string} story
 * @param {string} user
 * @returns {Promise<string>}
 */
export async function signIn(story, user) {
    const { token } = await ask("/demo/sign-in", { story, user });
    return token;
}

/**
 * Make a scene happen: its events, as they stand in the log.
 * @param {string} story
 * @param {number} number
 * @returns {Promise<Happened[]>}
 */
export function happen(story, number) {
    return ask(`/demo/stories/${encodeURIComponent(story)}/scenes/${number}`, {});
}

/** @param {string} path @param {object} [body] @returns {Promise<any>} */
async function ask(path, body) {
    const response = await fetch(path, body && { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) });
    const answer = await response.json();
    if (!response.ok) throw new Error(answer.detail);
    return answer;
}
