// Keys: what can be done in an inbox without a mouse.

/** @import {Inbox} from "./inbox.js" */
/** @import {Row} from "./row.js" */

/** What each key does to the list. @type {Record<string, (inbox: Inbox) => void>} */
const LIST = {
    j: (inbox) => inbox.move(1),
    ArrowDown: (inbox) => inbox.move(1),
    PageDown: (inbox) => inbox.move(1),
    k: (inbox) => inbox.move(-1),
    ArrowUp: (inbox) => inbox.move(-1),
    PageUp: (inbox) => inbox.move(-1),
    z: (inbox) => inbox.takeBack(),
    "?": (inbox) => inbox.openSettings(),
};

/** What each key does to the row that has the focus. @type {Record<string, (inbox: Inbox, row: Row) => void>} */
const ROW = {
    o: (inbox, { notification }) => inbox.open(notification),
    x: (inbox, row) => inbox.pick(row),
    e: (inbox, { notification }) => inbox.markPicked(notification, inbox.list === "archived" ? "unarchived" : "archived"),
    I: (inbox, { notification }) => inbox.markPicked(notification, "read"),
    U: (inbox, { notification }) => inbox.markPicked(notification, "unread"),
    s: (_, { element }) => /** @type {HTMLElement | null} */ (element.querySelector('[data-tool="clock"]'))?.click(),
    "#": (inbox, { notification }) => inbox.markPicked(notification, "deleted"),
    Delete: (inbox, { notification }) => inbox.markPicked(notification, "deleted"),
};

/**
 * Do what a key stands for, if it stands for anything here; what somebody types goes where they type it.
 * @param {Inbox} inbox
 * @param {KeyboardEvent} event
 */
export function press(inbox, event) {
    const typing = /** @type {Element} */ (event.composedPath()[0]).matches("input, textarea, select");
    if (typing || event.ctrlKey || event.metaKey || event.altKey || !does(inbox, event.key)) return;
    event.preventDefault();
    event.stopPropagation();
}

/** @param {Inbox} inbox @param {string} key */
function does(inbox, key) {
    const row = inbox.focused;
    if (LIST[key]) LIST[key](inbox);
    else if (row && ROW[key]) ROW[key](inbox, row);
    else if (row && key === "Enter" && row.element.matches(":focus")) inbox.open(row.notification);
    else return false;
    return true;
}
