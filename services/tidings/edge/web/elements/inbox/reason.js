// Reason: why a notification is here, in words: the relations that made the person a recipient.

/** @import {Notification} from "../../client/protocol.js" */
/** @import {MessageName, Messages} from "../messages.js" */

/** @type {Record<string, MessageName>} */
const MESSAGES_BY_RELATION = {
    member: "becauseMember",
    manager: "becauseManager",
    assignee: "becauseAssignee",
    watcher: "becauseWatcher",
    technician: "becauseTechnician",
    staff: "becauseStaff",
    responder: "becauseResponder",
};
/** The object of relations to the whole organisation. */
const TENANT = "tenant";

/**
 * Say why a notification is here. Of several relations any may be the reason.
 * @param {Messages} messages
 * @param {Pick<Notification, "audience">} notification
 */
export function reasonText(messages, { audience = [] }) {
    const reasons = audience.map((relation) => relationText(messages, relation));
    if (reasons.length > 1) return messages.text("becauseOneOf", { reasons: reasons.join(" ") });
    return reasons[0] ?? messages.text("becauseNamed");
}

/**
 * @param {Messages} messages
 * @param {string} text `task:456#watcher`; `task:456.project#manager`: of the object linked to it
 */
function relationText(messages, text) {
    const end = text.lastIndexOf("#");
    const [object, relation] = [text.slice(0, end), text.slice(end + 1)];
    if (object === TENANT)
        return relation === "member"
            ? messages.text("becauseEveryone")
            : messages.text("becauseRole", { relation });
    const known = Object.hasOwn(MESSAGES_BY_RELATION, relation);
    const name = known ? MESSAGES_BY_RELATION[relation] : "becauseOther";
    return messages.text(name, { relation, object: objectText(messages, object) });
}

/**
 * Return the name of an object for people.
 * @param {Messages} messages
 * @param {string} object `task:456`, or `task:456.project` for the one linked to it
 */
export function objectText(messages, object) {
    const [, type, id, link] = /^([^:]+):(.*?)(?:\.([a-z_]+))?$/s.exec(object) ?? [];
    if (!type) return object;
    const name = `${type.replaceAll("_", " ")} ${id}`;
    return link ? messages.text("partOf", { link, object: name }) : name;
}
