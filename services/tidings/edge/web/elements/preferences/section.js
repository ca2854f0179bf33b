// Section: what the parts of the preferences share: a heading, and fields with labels.

import { createNode } from "../dom.js";

/** @import {TidingsElement} from "../element.js" */
/** @import {MessageName} from "../messages.js" */

/**
 * Create a section with a heading.
 * @param {TidingsElement} host
 * @param {MessageName} title
 * @param {...(Node | string | null | false)} children
 */
export function createSection(host, title, ...children) {
    const id = `${title}-heading`;
    const heading = createNode("h3", { id }, host.text(title));
    const attributes = { part: "section", "aria-labelledby": id };
    return createNode("section", attributes, heading, ...children);
}

/**
 * Create a field with its label above it.
 * @param {string} text
 * @param {HTMLElement} field
 */
export function createField(text, field) {
    return createNode("label", { class: "field" }, createNode("span", {}, text), field);
}

/**
 * Create a list of options to select one of.
 * @param {[string, string][]} options values and texts
 * @param {Record<string, any>} [attributes]
 */
export function createSelect(options, attributes = {}) {
    const select = createNode("select", attributes);
    setOptions(select, options);
    return select;
}

/**
 * Have a list offer exactly these options.
 * @param {HTMLSelectElement} select
 * @param {[string, string][]} options
 */
export function setOptions(select, options) {
    const present = [...select.options].map(({ value, text }) => `${value} ${text}`);
    const wanted = options.map(([value, text]) => `${value} ${text}`);
    if (present.join("\n") === wanted.join("\n")) return;
    select.replaceChildren(...options.map(([value, text]) => new Option(text, value)));
}

/**
 * @param {string} text
 * @param {() => void} onclick
 * @param {Record<string, any>} [attributes]
 */
export function createButton(text, onclick, attributes = {}) {
    return createNode("button", { type: "button", class: "plain", onclick, ...attributes }, text);
}
