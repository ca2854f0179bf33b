// Messages: the elements' texts, in each language; a page can replace any of them.

import { GERMAN } from "./messages/de.js";
import { ENGLISH } from "./messages/en.js";

/**
 * A text, or one for each plural category of the language (CLDR). `{count}` and other names in
 * braces are replaced by values.
 * @typedef {string | Partial<Record<Intl.LDMLPluralRule, string>>} Message
 * @typedef {keyof typeof ENGLISH} MessageName
 */

/**
 * All languages. A page may add one, or change texts of one, for all elements.
 * @type {Record<string, Partial<Record<MessageName, Message>>>}
 */
export const LANGUAGES = { en: ENGLISH, de: GERMAN };

const DEFAULT_LANGUAGE = "en";

/**
 * Return the language that a page names, as a BCP 47 tag. What a page writes may be no tag at all
 * (`en_US`, `de_DE.UTF-8`): what cannot be read is left out from its end on.
 * @param {string} text
 */
export function languageTag(text) {
    const subtags = text
        .trim()
        .replace(/[.@].*/, "")
        .split(/[-_]/);
    for (; subtags.length; subtags.pop()) {
        try {
            return Intl.getCanonicalLocales(subtags.join("-"))[0];
        } catch {
            // Without its last part it may be one.
        }
    }
    return DEFAULT_LANGUAGE;
}

/**
 * Return the texts of a language, of the nearest one that exists: of `zh-Hant` for `zh-Hant-TW`.
 * @param {string} language
 */
function textsOf(language) {
    const subtags = language.split("-");
    for (; subtags.length; subtags.pop()) {
        const texts = Object.hasOwn(LANGUAGES, subtags.join("-")) && LANGUAGES[subtags.join("-")];
        if (texts) return texts;
    }
    return ENGLISH;
}

/** The texts of one language; those of the page's own take precedence. */
export class Messages {
    #own;
    #pluralRules;

    /**
     * @param {string} language as a page names it
     * @param {Partial<Record<MessageName, Message>>} [own]
     */
    constructor(language, own = {}) {
        this.language = languageTag(language);
        this.#own = own;
        this.#pluralRules = new Intl.PluralRules(this.language);
    }

    /**
     * Return a text, in English if the language lacks it, empty if there is none of that name.
     * @param {MessageName} name
     * @param {Record<string, string | number>} [values] `count` selects the plural category
     */
    text(name, values = {}) {
        /** @type {Message} */
        const message = this.#own[name] ?? textsOf(this.language)[name] ?? ENGLISH[name] ?? "";
        const template = this.#selectForm(message, Number(values.count ?? 0));
        return template.replace(/\{(\w+)\}/g, (braces, key) => this.#format(values[key], braces));
    }

    /** @param {Message} message @param {number} count */
    #selectForm(message, count) {
        if (typeof message === "string") return message;
        return message[this.#pluralRules.select(count)] ?? message.other ?? "";
    }

    /** @param {string | number | undefined} value @param {string} fallback */
    #format(value, fallback) {
        return typeof value === "number"
            ? value.toLocaleString(this.language)
            : (value ?? fallback);
    }
}
