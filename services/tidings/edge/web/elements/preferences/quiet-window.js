// Quiet window: the fields of one quiet time: its days, and when it begins and ends.

import { createNode, setText } from "../dom.js";
import { DAYS, dayText } from "./choices.js";
import { createButton, createField } from "./section.js";

/** @import {MessageName, Messages} from "../messages.js" */
/** @import {Day, QuietWindow} from "./settings-types.js" */

/** The end of a day, which the browser's fields know as the beginning of the next one. */
const MIDNIGHT = "00:00";
const END_OF_DAY = "24:00";
/** What the days can be set to at once. @type {[MessageName, readonly Day[]][]} */
const DAY_SETS = [
    ["everyDay", DAYS],
    ["workDays", DAYS.slice(0, 5)],
    ["weekend", DAYS.slice(5)],
];

export class QuietWindowFields {
    #messages;
    #legend = createNode("legend");
    /** @type {HTMLInputElement[]} */ #days;
    #begin;
    #until;
    #note = createNode("span", { class: "note" });
    #remove;
    element;

    /**
     * @param {Messages} messages
     * @param {QuietWindow} window
     * @param {{onEdit: () => void, onRemove: () => void}} handlers
     */
    constructor(messages, { days, begin, until }, { onEdit, onRemove }) {
        this.#messages = messages;
        const createDay = (/** @type {Day} */ day) =>
            createNode("input", { type: "checkbox", value: day, "aria-label": this.#name(day) });
        this.#days = DAYS.map(createDay);
        for (const box of this.#days) box.checked = days.includes(/** @type {Day} */ (box.value));
        this.#begin = createNode("input", { type: "time", value: begin });
        this.#until = createNode("input", { type: "time" });
        this.#until.value = until === END_OF_DAY ? MIDNIGHT : until;
        this.#remove = createButton(messages.text("take"), onRemove);
        const times = createNode(
            "div",
            { class: "line" },
            createField(messages.text("quietFrom"), this.#begin),
            createField(messages.text("quietUntil"), this.#until),
            this.#note,
            this.#remove,
        );
        const oninput = () => {
            this.#renderNote();
            onEdit();
        };
        const body = [this.#createDays(), this.#createCopying(oninput), times];
        this.element = createNode("fieldset", { oninput }, this.#legend, ...body);
        this.#renderNote();
    }

    /** What the fields say. @returns {QuietWindow} */
    get value() {
        const checked = this.#days.filter((box) => box.checked);
        return {
            days: checked.map((box) => /** @type {Day} */ (box.value)),
            begin: this.#begin.value,
            until: this.#until.value === MIDNIGHT ? END_OF_DAY : this.#until.value,
        };
    }

    /** What is wrong with the fields; null: nothing. @returns {MessageName | null} */
    get fault() {
        const { days, begin, until } = this.value;
        if (!days.length) return "quietNeedsDay";
        if (!begin || !until) return "quietNeedsTime";
        return begin === until ? "quietNeedsLength" : null;
    }

    focus() {
        this.#begin.focus();
    }

    /** Focus what is wrong. */
    focusFault() {
        const { fault } = this;
        const field = fault === "quietNeedsDay" ? this.#days[0] : this.#until;
        (fault === "quietNeedsTime" && !this.#begin.value ? this.#begin : field).focus();
    }

    /** @param {number} number */
    setNumber(number) {
        setText(this.#legend, this.#messages.text("quietWindow", { number }));
        this.#remove.setAttribute("aria-label", this.#messages.text("quietRemove", { number }));
    }

    #createDays() {
        const labels = this.#days.map((box) => {
            const day = /** @type {Day} */ (box.value);
            const short = createNode("span", { "aria-hidden": "true" }, this.#name(day, "short"));
            return createNode("label", { class: "day" }, box, short);
        });
        return createNode("div", { class: "days" }, ...labels);
    }

    /** @param {() => void} onEdit */
    #createCopying(onEdit) {
        const buttons = DAY_SETS.map(([name, days]) => {
            const copy = () => {
                for (const box of this.#days)
                    box.checked = days.includes(/** @type {Day} */ (box.value));
                onEdit();
            };
            return createButton(this.#messages.text(name), copy);
        });
        const label = this.#messages.text("copyTo");
        const attributes = { class: "copying", role: "group", "aria-label": label };
        return createNode("div", attributes, createNode("span", {}, label), ...buttons);
    }

    #renderNote() {
        const { begin, until } = this.value;
        const isWholeDay = begin === MIDNIGHT && until === END_OF_DAY;
        const name = isWholeDay ? "quietAllDay" : "quietNextDay";
        this.#note.hidden = !begin || !until || (until > begin && !isWholeDay);
        setText(this.#note, this.#messages.text(name));
    }

    /** @param {Day} day @param {"long" | "short"} [style] */
    #name(day, style = "long") {
        return dayText(this.#messages, day, style);
    }
}
