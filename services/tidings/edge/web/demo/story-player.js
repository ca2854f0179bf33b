// Story player: plays a story scene by scene, until it ends or is stopped.

/** @import {Story} from "./demo-api.js" */
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
        const panel = panels.find(({ user }) => user === scene.user);
        if (scene.kind === "happens") await runScene(number);
        else panel?.setConnected(scene.kind === "returns");
        await pause(signal);
    }
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
