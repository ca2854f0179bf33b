// Dom: elements made in one expression; text goes in as text, never as markup.

/**
 * @template {keyof HTMLElementTagNameMap} Tag
 * @param {Tag} tag
 * @param {Record<string, any>} [given] attributes; a function is a listener (`onclick`); null, undefined and false are left out
 * @param {...(Node | string | null | undefined | false)} children
 * @returns {HTMLElementTagNameMap[Tag]}
 */
export function make(tag, given = {}, ...children) {
    const made = document.createElement(tag);
    for (const [name, value] of Object.entries(given)) {
        if (typeof value === "function") made.addEventListener(name.slice(2), value);
        else if (value === true) made.setAttribute(name, "");
        else if (value !== null && value !== undefined && value !== false) made.setAttribute(name, String(value));
    }
    made.append(...children.filter((child) => child !== null && child !== undefined && child !== false));
    return made;
}

/**
 * Say something in an element, if it does not say so already: what does not change is not read out again.
 * @param {Element} element
 * @param {string} text
 */
export function say(element, text) {
    if (element.textContent !== text) element.textContent = text;
}

/**
 * An address that may be followed from a notification, null if it leads anywhere but to a page.
 * @param {string | undefined} url
 */
export function address(url) {
    try {
        const found = url ? new URL(url, location.href) : null;
        return found && ["http:", "https:"].includes(found.protocol) ? found.href : null;
    } catch {
        return null;
    }
}
