// DOM: nodes made in one expression. Text is inserted as text, never as markup.

/**
 * Create an element.
 * @template {keyof HTMLElementTagNameMap} Tag
 * @param {Tag} tag
 * @param {Record<string, any>} [attributes] a function is a listener (`onclick`); null, undefined
 *     and false are left out
 * @param {...(Node | string | null | undefined | false)} children
 * @returns {HTMLElementTagNameMap[Tag]}
 */
export function createNode(tag, attributes = {}, ...children) {
    const node = document.createElement(tag);
    for (const [name, value] of Object.entries(attributes)) {
        if (typeof value === "function") node.addEventListener(name.slice(2), value);
        else if (value === true) node.setAttribute(name, "");
        else if (isPresent(value)) node.setAttribute(name, String(value));
    }
    node.append(...children.filter(isPresent));
    return node;
}

/**
 * @template T
 * @param {T | null | undefined | false} value
 * @returns {value is T}
 */
function isPresent(value) {
    return value !== null && value !== undefined && value !== false;
}

/**
 * Return the host that an address leads to, if that is not the page's own: a person sees it before
 * they follow the link.
 * @param {string | undefined} url
 */
export function foreignHost(url) {
    const address = pageAddress(url);
    const host = address && new URL(address).host;
    return host === location.host ? null : host;
}

/**
 * Return the language of the nearest element that names one: itself, around it, or around the
 * shadow roots that it is in.
 * @param {Element} element
 * @returns {string | null}
 */
export function languageAround(element) {
    /** @type {Element | undefined} */
    let current = element;
    while (current) {
        const language = current.closest("[lang]")?.getAttribute("lang");
        if (language) return language;
        current = /** @type {Partial<ShadowRoot>} */ (current.getRootNode()).host;
    }
    return null;
}

/**
 * Set an element's text, if it differs: a screen reader reads out again what is set again.
 * @param {Element} element
 * @param {string} text
 */
export function setText(element, text) {
    if (element.textContent !== text) element.textContent = text;
}

/**
 * Return an address that may be followed from a notification; null if it is no page's, such as
 * `javascript:`.
 * @param {string | undefined} url
 */
export function pageAddress(url) {
    try {
        const address = url ? new URL(url, location.href) : null;
        return address && ["http:", "https:"].includes(address.protocol) ? address.href : null;
    } catch {
        return null;
    }
}
