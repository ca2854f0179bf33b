// Show: a story played by itself, scene by scene, until it ends or somebody stops it.

/** @import {Play} from "./programme.js" */
/** @import {Person} from "./person.js" */

const PAUSE_MILLISECONDS = 2600;

/**
 * Play a story; `say` is what happens in words, `act` makes a scene happen.
 * @param {Play} play
 * @param {Person[]} people
 * @param {(words: string) => void} say
 * @param {(number: number) => Promise<void>} act
 * @param {AbortSignal} signal
 */
export async function show(play, people, say, act, signal) {
    for (const [number, scene] of play.scenes.entries()) {
        if (signal.aborted) return;
        say(scene.words);
        if (scene.kind === "happens") await act(number);
        else people.find(({ user }) => user === scene.user)?.connect(scene.kind === "returns");
        await pause(signal);
    }
}

/** @param {AbortSignal} signal */
function pause(signal) {
    return new Promise((resolve) => {
        if (signal.aborted) return resolve(undefined);
        const timer = setTimeout(resolve, PAUSE_MILLISECONDS);
        signal.addEventListener("abort", () => (clearTimeout(timer), resolve(undefined)), { once: true });
    });
}
