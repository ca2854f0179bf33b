// Demo: two people of a product side by side, what can happen to them, and what each one gets of
// it.

import { fetchStories, runScene } from "./demo-api.js";
import { LogPanel } from "./log-panel.js";
import { PersonPanel } from "./person-panel.js";
import { PhonePanel } from "./phone-panel.js";
import { createRun, currentRun, keepRun } from "./run.js";
import { concernedPanel, nextSceneFor, playStory } from "./story-player.js";

/** @import {Story} from "./demo-api.js" */

const SIDES = ["left", "right"];
const INVITATION = "Make something happen";
const PLAY_LABEL = "Watch the story";
const STOP_LABEL = "Stop";

class Demo {
    #log = new LogPanel(find(".tape"));
    #panels = SIDES.map((side) => new PersonPanel(find(`.person[data-side="${side}"]`)));
    #phone = new PhonePanel(find(".away"));
    /** Stops the story that plays. @type {AbortController | null} */ #playing = null;
    /** @type {Story} */ #story;
    #run = currentRun();

    /** @param {Story[]} stories */
    constructor(stories) {
        this.#story = stories.find(({ name }) => name === location.hash.slice(1)) ?? stories[0];
        find(".stories").append(...stories.map((story) => this.#createStoryChoice(story)));
        for (const [index, panel] of this.#panels.entries()) this.#listenTo(panel, SIDES[index]);
        find("#show").addEventListener("click", () => this.#togglePlaying());
        find("#afresh").addEventListener("click", () => this.#startAfresh());
        this.#phone.addEventListener("leave", () => this.#toggleAway());
        this.#phone.addEventListener("read", () => this.#panels[1].readAll());
        // The pages that notifications link to are the products', which are not here.
        addEventListener("tidings-open", (event) => event.preventDefault());
        this.#openStory(this.#story);
        find(".stories :checked").scrollIntoView({ block: "nearest", inline: "center" });
    }

    /** @param {Story} story */
    #openStory(story) {
        this.#playing?.abort();
        this.#story = story;
        this.#log.clear(this.#happenedEvents().length);
        this.#showWords(INVITATION);
        this.#showPeople(firstPeople(story));
        const buttons = story.scenes.flatMap(({ kind, words }, number) =>
            kind === "happens" ? [this.#createSceneButton(words, number)] : [],
        );
        find(".acts").replaceChildren(...buttons);
        this.#renderHappened();
    }

    /** Begin again, with people who have not got anything yet. */
    #startAfresh() {
        this.#run = createRun(true);
        this.#openStory(this.#story);
    }

    /** Return which scenes have happened in this run: each happens once. */
    #happenedScenes() {
        const { fromStart, played } = this.#run;
        const leaves = this.#story.scenes.findIndex(({ kind }) => kind === "leaves");
        const opening = fromStart
            ? []
            : [...this.#story.scenes.keys()].slice(0, Math.max(0, leaves));
        return new Set([...opening, ...(played[this.#story.name] ?? [])]);
    }

    #happenedEvents() {
        return [...this.#happenedScenes()].flatMap((number) => this.#story.scenes[number].types);
    }

    #renderHappened() {
        const happened = this.#happenedScenes();
        for (const button of document.querySelectorAll(".acts button")) {
            const { dataset } = /** @type {HTMLButtonElement} */ (button);
            const hasHappened = happened.has(Number(dataset.scene));
            button.toggleAttribute("disabled", hasHappened);
            button.classList.toggle("done", hasHappened);
        }
        find("#afresh").hidden = happened.size === 0;
        this.#phone.setCanLeave(this.#nextScene >= 0);
    }

    /** The number of the next scene of which the person on the right gets something, or -1. */
    get #nextScene() {
        return nextSceneFor(this.#story.scenes, this.#happenedScenes(), this.#panels[1].user);
    }

    /** Have the person on the right leave, and something happen; or have them return. */
    async #toggleAway() {
        const panel = this.#panels[1];
        const isAway = panel.isCut;
        panel.setConnected(isAway);
        if (!isAway && this.#nextScene >= 0) await this.#runScene(this.#nextScene);
        this.#renderHappened();
    }

    /** @param {string[]} users one on each side */
    #showPeople(users) {
        for (const [index, panel] of this.#panels.entries())
            panel.showPerson(this.#run, this.#story, users[index], users[1 - index]);
        this.#phone.showPerson(this.#run, this.#story.name, this.#panels[1]);
    }

    /** @param {Story} story */
    #createStoryChoice(story) {
        const label = document.createElement("label");
        const input = document.createElement("input");
        const checked = story === this.#story;
        Object.assign(input, { type: "radio", name: "story", value: story.name, checked });
        const [product, title] = story.title.split(": ");
        const small = Object.assign(document.createElement("small"), { textContent: title });
        input.addEventListener("change", () => {
            history.replaceState(null, "", `#${story.name}`);
            this.#openStory(story);
        });
        label.append(input, product, small);
        return label;
    }

    /** @param {string} words @param {number} number */
    #createSceneButton(words, number) {
        const [item, button] = [document.createElement("li"), document.createElement("button")];
        button.type = "button";
        button.textContent = words;
        button.dataset.scene = String(number);
        button.addEventListener("click", async () => {
            await this.#runScene(number);
            concernedPanel(this.#story.scenes[number], this.#panels)?.scrollIntoSight();
        });
        item.append(button);
        return item;
    }

    /** @param {PersonPanel} panel @param {string} side */
    #listenTo(panel, side) {
        panel.addEventListener("delivered", () => this.#log.showDelivery(side));
        panel.addEventListener("cut", () => this.#log.setCut(side, panel.isCut));
        panel.addEventListener("cut", () => this.#phone.watch());
        panel.addEventListener("choose", (event) => {
            const chosen = /** @type {CustomEvent} */ (event).detail;
            this.#showPeople(this.#panels.map((it) => (it === panel ? chosen : it.user)));
        });
    }

    /** @param {number} number */
    async #runScene(number) {
        const button = find(`.acts [data-scene="${number}"]`);
        this.#log.startClock();
        button.classList.add("now");
        button.scrollIntoView({ block: "nearest", inline: "center" });
        try {
            const { name } = this.#story;
            this.#log.appendEvents(await runScene(this.#run, name, number));
            this.#run.played[name] = [...(this.#run.played[name] ?? []), number];
            keepRun(this.#run);
            showTrouble("");
        } catch (error) {
            showTrouble(errorText(error));
        }
        button.classList.remove("now");
        this.#phone.watch();
        this.#renderHappened();
    }

    async #togglePlaying() {
        if (this.#playing) return this.#playing.abort();
        this.#startAfresh();
        this.#playing = new AbortController();
        const { signal } = this.#playing;
        this.#renderPlayButton(true);
        await Promise.all(this.#panels.map((panel) => panel.untilLive(signal)));
        const showWords = (/** @type {string} */ words) => this.#showWords(words);
        const run = (/** @type {number} */ number) => this.#runScene(number);
        await playStory(this.#story, this.#panels, showWords, run, signal);
        this.#connectAll();
        this.#playing = null;
        this.#showWords(INVITATION);
        this.#renderPlayButton(false);
    }

    #connectAll() {
        for (const panel of this.#panels) panel.setConnected(true);
    }

    /** @param {boolean} isPlaying */
    #renderPlayButton(isPlaying) {
        const button = find("#show");
        button.textContent = isPlaying ? STOP_LABEL : PLAY_LABEL;
        button.setAttribute("aria-pressed", String(isPlaying));
    }

    /** @param {string} words */
    #showWords(words) {
        find("#acts").textContent = words;
    }
}

/**
 * Return the two people to show first: on the right the one who leaves in the story, on the left
 * one of the others: who reads another language, else who gets most notifications.
 * @param {Story} story
 */
function firstPeople({ people, locales, scenes }) {
    const users = Object.keys(people);
    const leaving = scenes.find(({ kind }) => kind === "leaves")?.user ?? users[1];
    const toldCount = (/** @type {string} */ user) =>
        scenes.reduce((sum, { told }) => sum + (told[user] ?? 0), 0);
    const others = users.filter((user) => user !== leaving);
    const [first] = others.sort(
        (a, b) => Number(b in locales) - Number(a in locales) || toldCount(b) - toldCount(a),
    );
    return [first, leaving];
}

/** @param {string} text */
function showTrouble(text) {
    find(".trouble").textContent = text;
}

/** @param {unknown} error */
function errorText(error) {
    return error instanceof Error ? error.message : String(error);
}

/** @param {string} selector @returns {HTMLElement} */
function find(selector) {
    return /** @type {HTMLElement} */ (document.querySelector(selector));
}

try {
    new Demo(await fetchStories());
} catch (error) {
    const reason = errorText(error);
    showTrouble(`This page cannot be shown now; load it again in a moment (${reason}).`);
}
