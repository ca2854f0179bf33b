// Story player: plays a story scene by scene, until it ends or is stopped.

/** @import {Scene, Story} from "./demo-api.js" */
/** @import {PersonPanel} from "./person-panel.js" */

const PAUSE_MILLISECONDS = 2600;

/**
 * Play a story.
 * @param {Story} story
 * @param {PersonPanel[]} panels
 * @param {(words: string) => void} showWords
 * @param {(number: number) => Promise<void>} runScene
 * @param {AbortSignal} signal
 */
export async function playStory(story, panels, showWords, runScene, signal) {
    for (const [number, scene] of story.scenes.entries()) {
        if (signal.aborted) return;
        showWords(scene.words);
        const panel = concernedPanel(scene, panels);
        panel?.scrollIntoSight();
        if (scene.kind === "happens") await runScene(number);
        else panel?.setConnected(scene.kind === "returns");
        await pause(signal);
    }
}

/**
 * Return the panel in which most of a scene is to be seen: of who leaves or returns, else of who
 * gets most of it.
 * @param {Scene} scene
 * @param {PersonPanel[]} panels
 */
export function concernedPanel({ user, told }, panels) {
    if (user) return panels.find((panel) => panel.user === user);
    const [first] = panels
        .filter((panel) => told[panel.user] && !panel.isCut)
        .sort((a, b) => told[b.user] - told[a.user]);
    return first ?? panels.find((panel) => panel.isCut);
}

/**
 * Return the number of the next scene of which a person gets something, also while they are away;
 * -1 if none is left.
 * @param {Scene[]} scenes
 * @param {Set<number>} happened
 * @param {string} user
 */
export function nextSceneFor(scenes, happened, user) {
    let isAway = false;
    return scenes.findIndex(({ kind, told, user: who }, number) => {
        if (who === user) isAway = kind === "leaves";
        return kind === "happens" && !happened.has(number) && (isAway || Boolean(told[user]));
    });
}

/** @param {AbortSignal} signal @returns {Promise<void>} */
function pause(signal) {
    return new Promise((resolve) => {
        if (signal.aborted) return resolve();
        const stop = () => {
            clearTimeout(timer);
            resolve();
        };
        const timer = setTimeout(stop, PAUSE_MILLISECONDS);
        signal.addEventListener("abort", stop, { once: true });
    });
}
