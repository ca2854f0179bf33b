// Words: everything the elements say, in each language; any of it can be said otherwise.

/**
 * A text, or one for each plural category of the language (CLDR); `{count}` and other names are filled in.
 * @typedef {string | Partial<Record<Intl.LDMLPluralRule, string>>} Word
 * @typedef {keyof typeof ENGLISH} Name
 */

const ENGLISH = {
    title: "Notifications",
    bell: { one: "Notifications, {count} new", other: "Notifications, {count} new" },
    bellUnread: { one: "Notifications, {count} unread", other: "Notifications, {count} unread" },
    bellNone: "Notifications, nothing new",
    all: "All",
    unread: "Unread",
    archived: "Done",
    snoozed: "Snoozed",
    markAll: "Mark all as read",
    settings: "Settings",
    close: "Close",
    live: "Live",
    connecting: "Connecting…",
    catchingUp: "Catching up…",
    reconnecting: { one: "Reconnecting in {count} second", other: "Reconnecting in {count} seconds" },
    offline: "Offline, showing what is saved",
    signedOut: "Signed out",
    reconnected: { one: "Back, {count} new", other: "Back, {count} new" },
    newOnes: { one: "{count} new", other: "{count} new" },
    arrived: "New: {title}",
    emptyAll: "Nothing here yet",
    emptyAllMore: "What concerns you will show up here, and wait for you if you are away.",
    emptyUnread: "All read",
    emptyUnreadMore: "You are up to date.",
    emptyArchived: "Nothing is done yet",
    emptyArchivedMore: "What you mark as done is kept here.",
    emptySnoozed: "Nothing is snoozed",
    emptySnoozedMore: "What you put off comes back by itself.",
    failed: "This could not be loaded",
    retry: "Try again",
    more: "Load older ones",
    end: "That is all",
    isUnread: "Unread",
    critical: "Critical",
    high: "Important",
    open: "Open",
    read: "Mark as read",
    unreadAgain: "Mark as unread",
    archive: "Done",
    unarchive: "Move back",
    snooze: "Snooze",
    unsnooze: "Bring back now",
    remove: "Delete",
    laterToday: "In three hours",
    tomorrow: "Tomorrow morning",
    nextWeek: "Next Monday",
    until: "until {time}",
    undo: "Undo",
    didArchive: "Marked as done",
    didSnooze: "Snoozed until {time}",
    didRemove: "Deleted",
    didMoveBack: "Moved back",
    refused: "That did not work: {error}",
    acted: "{label}: done",
    events: { one: "{count} event", other: "{count} events" },
    people: "{names} and {count} more",
    why: "Why you see this",
    because: "It tells of {type}, about {entity}",
    becauseType: "It tells of {type}",
    sound: "Play a sound",
    desktop: "Show on the desktop",
    desktopDenied: "The browser does not allow it for this site",
    keys: "Keyboard: j and k move, Enter opens, e is done, s snoozes, Shift+I and Shift+U read and unread, # deletes, x selects, z undoes",
    moreToasts: { one: "{count} more", other: "{count} more" },
    moreActions: "More",
    picked: "Selected",
    page: "See all",
};

/** @type {Record<Name, Word>} */
const GERMAN = {
    title: "Mitteilungen",
    bell: { one: "Mitteilungen, {count} neue", other: "Mitteilungen, {count} neue" },
    bellUnread: { one: "Mitteilungen, {count} ungelesene", other: "Mitteilungen, {count} ungelesene" },
    bellNone: "Mitteilungen, nichts Neues",
    all: "Alle",
    unread: "Ungelesen",
    archived: "Erledigt",
    snoozed: "Später",
    markAll: "Alle als gelesen markieren",
    settings: "Einstellungen",
    close: "Schließen",
    live: "Live",
    connecting: "Verbinde…",
    catchingUp: "Hole auf…",
    reconnecting: { one: "Neuer Versuch in {count} Sekunde", other: "Neuer Versuch in {count} Sekunden" },
    offline: "Offline, gezeigt wird Gespeichertes",
    signedOut: "Abgemeldet",
    reconnected: { one: "Zurück, {count} neue", other: "Zurück, {count} neue" },
    newOnes: { one: "{count} neue", other: "{count} neue" },
    arrived: "Neu: {title}",
    emptyAll: "Noch nichts da",
    emptyAllMore: "Was Sie angeht, erscheint hier und wartet auf Sie, wenn Sie weg sind.",
    emptyUnread: "Alles gelesen",
    emptyUnreadMore: "Sie sind auf dem Laufenden.",
    emptyArchived: "Noch nichts erledigt",
    emptyArchivedMore: "Was Sie als erledigt markieren, bleibt hier.",
    emptySnoozed: "Nichts verschoben",
    emptySnoozedMore: "Was Sie verschieben, kommt von selbst zurück.",
    failed: "Das konnte nicht geladen werden",
    retry: "Noch einmal",
    more: "Ältere laden",
    end: "Das ist alles",
    isUnread: "Ungelesen",
    critical: "Kritisch",
    high: "Wichtig",
    open: "Öffnen",
    read: "Als gelesen markieren",
    unreadAgain: "Als ungelesen markieren",
    archive: "Erledigt",
    unarchive: "Zurücklegen",
    snooze: "Später",
    unsnooze: "Jetzt zurückholen",
    remove: "Löschen",
    laterToday: "In drei Stunden",
    tomorrow: "Morgen früh",
    nextWeek: "Nächsten Montag",
    until: "bis {time}",
    undo: "Rückgängig",
    didArchive: "Als erledigt markiert",
    didSnooze: "Verschoben bis {time}",
    didRemove: "Gelöscht",
    didMoveBack: "Zurückgeholt",
    refused: "Das ging nicht: {error}",
    acted: "{label}: erledigt",
    events: { one: "{count} Ereignis", other: "{count} Ereignisse" },
    people: "{names} und {count} weitere",
    why: "Warum Sie das sehen",
    because: "Es berichtet von {type}, zu {entity}",
    becauseType: "Es berichtet von {type}",
    sound: "Ton abspielen",
    desktop: "Auf dem Desktop zeigen",
    desktopDenied: "Der Browser erlaubt es dieser Seite nicht",
    keys: "Tastatur: j und k bewegen, Enter öffnet, e erledigt, s verschiebt, Umschalt+I und Umschalt+U gelesen und ungelesen, # löscht, x wählt aus, z macht rückgängig",
    moreToasts: { one: "{count} weitere", other: "{count} weitere" },
    moreActions: "Mehr",
    picked: "Ausgewählt",
    page: "Alle ansehen",
};

/** The languages there are; add one, or change words of one, for all elements. @type {Record<string, Partial<Record<Name, Word>>>} */
export const LANGUAGES = { en: ENGLISH, de: GERMAN };

/** What is said in one language, with a page's own words before ours. */
export class Words {
    /**
     * @param {string} language a BCP 47 tag
     * @param {Partial<Record<Name, Word>>} [own]
     */
    constructor(language, own = {}) {
        this.language = language || "en";
        this.own = own;
        this.plural = new Intl.PluralRules(this.language);
    }

    /**
     * @param {Name} name
     * @param {Record<string, string | number>} [filled] `count` chooses the plural
     */
    say(name, filled = {}) {
        const ours = LANGUAGES[this.language] ?? LANGUAGES[this.language.split("-")[0]] ?? ENGLISH;
        /** @type {Word} */
        const word = this.own[name] ?? ours[name] ?? ENGLISH[name];
        const form = typeof word === "string" ? word : (word[this.plural.select(Number(filled.count ?? 0))] ?? word.other ?? "");
        return form.replace(/\{(\w+)\}/g, (whole, key) => this.#filled(filled[key], whole));
    }

    /** @param {string | number | undefined} value @param {string} otherwise */
    #filled(value, otherwise) {
        return typeof value === "number" ? value.toLocaleString(this.language) : (value ?? otherwise);
    }
}
