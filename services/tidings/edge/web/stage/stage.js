// Stage: two people of a product side by side, what can be made happen to them, and what each of them is told of it.

import { Person } from "./person.js";
import { happen, stories } from "./programme.js";
import { show } from "./show.js";
import { Tape } from "./tape.js";

/** @import {Play} from "./programme.js" */

const SIDES = ["left", "right"];
const CALL = "Make something happen";
const SHOW = "Watch the story";

class Stage {
    #tape = new Tape(part(".tape"));
    #people = SIDES.map((side) => new Person(part(`.person[data-side="${side}"]`)));
    /** @type {AbortController | null} */ #showing = null;
    /** @type {Play} */ #play;

    /** @param {Play[]} plays */
    constructor(plays) {
        this.#play = plays.find(({ name }) => name === location.hash.slice(1)) ?? plays[0];
        part(".stories").append(...plays.map((play) => this.#story(play)));
        this.#people.forEach((person, at) => this.#follow(person, SIDES[at]));
        part("#show").addEventListener("click", () => this.#show());
        addEventListener("tidings-open", (event) => event.preventDefault()); // what it is about lies in the products, which are not here
        this.#open(this.#play);
        part(".stories :checked").scrollIntoView({ block: "nearest", inline: "center" });
    }

    /** @param {Play} play */
    #open(play) {
        this.#showing?.abort();
        this.#play = play;
        this.#tape.clear();
        this.#say(CALL);
        this.#stand(pair(play));
        part(".acts").replaceChildren(...play.scenes.flatMap((scene, number) => (scene.kind === "happens" ? this.#button(scene.words, number) : [])));
    }

    /** @param {string[]} users one on each side */
    #stand(users) {
        this.#people.forEach((person, at) => person.as(this.#play, users[at], users[1 - at]));
    }

    /** @param {Play} play */
    #story(play) {
        const label = document.createElement("label");
        const input = Object.assign(document.createElement("input"), { type: "radio", name: "story", value: play.name, checked: play === this.#play });
        const [product, title] = play.title.split(": ");
        const small = Object.assign(document.createElement("small"), { textContent: title });
        input.addEventListener("change", () => {
            history.replaceState(null, "", `#${play.name}`);
            this.#open(play);
        });
        label.append(input, product, small);
        return label;
    }

    /** @param {string} words @param {number} number */
    #button(words, number) {
        const [item, button] = [document.createElement("li"), document.createElement("button")];
        button.type = "button";
        button.textContent = words;
        button.dataset.scene = String(number);
        button.addEventListener("click", () => this.#act(number));
        item.append(button);
        return item;
    }

    /** @param {Person} person @param {string} side */
    #follow(person, side) {
        person.addEventListener("told", () => this.#tape.tell(side));
        person.addEventListener("cut", () => this.#tape.cut(side, person.cut));
        person.addEventListener("chosen", (event) => {
            const user = /** @type {CustomEvent} */ (event).detail;
            this.#stand(this.#people.map((each) => (each === person ? user : each.user)));
        });
    }

    /** @param {number} number */
    async #act(number) {
        const button = part(`.acts [data-scene="${number}"]`);
        this.#tape.press();
        button.classList.add("now");
        try {
            this.#tape.write(await happen(this.#play.name, number));
            part(".trouble").textContent = "";
        } catch (error) {
            part(".trouble").textContent = error instanceof Error ? error.message : String(error);
        }
        button.classList.remove("now");
    }

    async #show() {
        if (this.#showing) return this.#showing.abort();
        const showing = (this.#showing = new AbortController());
        const button = part("#show");
        button.textContent = "Stop";
        button.setAttribute("aria-pressed", "true");
        this.#stand(pair(this.#play));
        this.#people.forEach((person) => person.connect(true));
        await show(this.#play, this.#people, (words) => this.#say(words), (number) => this.#act(number), showing.signal);
        this.#people.forEach((person) => person.connect(true));
        this.#showing = null;
        this.#say(CALL);
        button.textContent = SHOW;
        button.setAttribute("aria-pressed", "false");
    }

    /** @param {string} words */
    #say(words) {
        part("#acts").textContent = words;
    }
}

/**
 * Whom to show first: to the right whoever goes away in the story, to the left who is told most of the others.
 * @param {Play} play
 */
function pair({ people, scenes }) {
    const away = scenes.find(({ kind }) => kind === "leaves")?.user ?? Object.keys(people)[1];
    const told = (/** @type {string} */ user) => scenes.reduce((sum, scene) => sum + (scene.told[user] ?? 0), 0);
    const [most] = Object.keys(people).filter((user) => user !== away).sort((a, b) => told(b) - told(a));
    return [most, away];
}

/** @param {string} selector @returns {HTMLElement} */
function part(selector) {
    return /** @type {HTMLElement} */ (document.querySelector(selector));
}

try {
    new Stage(await stories());
} catch (error) {
    part(".trouble").textContent = `This page cannot be shown now; load it again in a moment (${error instanceof Error ? error.message : error}).`;
}
