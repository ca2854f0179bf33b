// Keys: what can be done in an inbox without a mouse.

/** @import {Inbox} from "./inbox.js" */
/** @import {Row} from "./row.js" */

/** What a key does to the list. @type {Record<string, (inbox: Inbox) => void>} */
const LIST_KEYS = {
    j: (inbox) => inbox.moveFocus(1),
    ArrowDown: (inbox) => inbox.moveFocus(1),
    PageDown: (inbox) => inbox.moveFocus(1),
    k: (inbox) => inbox.moveFocus(-1),
    ArrowUp: (inbox) => inbox.moveFocus(-1),
    PageUp: (inbox) => inbox.moveFocus(-1),
    z: (inbox) => inbox.actions.undoLast(),
    "?": (inbox) => inbox.openSettings(),
};

/**
 * What a key does to the row with the focus.
 * @type {Record<string, (inbox: Inbox, row: Row) => void>}
 */
const ROW_KEYS = {
    o: (inbox, { notification }) => inbox.openNotification(notification),
    x: (inbox, row) => inbox.actions.toggleSelected(row),
    e: (inbox, { notification }) => inbox.actions.toggleArchived(notification),
    I: (inbox, { notification }) => inbox.actions.markSelected(notification, "read"),
    U: (inbox, { notification }) => inbox.actions.markSelected(notification, "unread"),
    s: (_, { element }) => {
        const tool = element.querySelector('[data-tool="clock"]');
        /** @type {HTMLElement | null} */ (tool)?.click();
    },
    "#": (inbox, { notification }) => inbox.actions.markSelected(notification, "deleted"),
    Delete: (inbox, { notification }) => inbox.actions.markSelected(notification, "deleted"),
};

/**
 * Do what a key stands for; keys typed into a field are left to it.
 * @param {Inbox} inbox
 * @param {KeyboardEvent} event
 */
export function handleKey(inbox, event) {
    const target = /** @type {Element} */ (event.composedPath()[0]);
    const isTyping = target.matches("input, textarea, select");
    if (isTyping || event.ctrlKey || event.metaKey || event.altKey) return;
    if (!runKey(inbox, event.key)) return;
    event.preventDefault();
    event.stopPropagation();
}

/**
 * @param {Inbox} inbox
 * @param {string} key
 * @returns {boolean} whether the key stands for anything
 */
function runKey(inbox, key) {
    const row = inbox.focusedRow;
    if (LIST_KEYS[key]) LIST_KEYS[key](inbox);
    else if (row && ROW_KEYS[key]) ROW_KEYS[key](inbox, row);
    else if (row && key === "Enter" && row.element.matches(":focus"))
        inbox.openNotification(row.notification);
    else return false;
    return true;
}
