// Volunteers: the hook of its pages, which read an event stream; each event has a name.

import { createHook, tokenOptions } from "./hook.js";

/** @import {Dialect} from "./dialect.js" */
/** @import {HookOptions} from "./hook.js" */
/** @import {Notification} from "../client/protocol.js" */

const ANNOUNCEMENT = "system_announcement";

/** @type {Dialect} */
export const VOLUNTEERS = {
    toNotification: (it, user) => ({
        notification_id: it.id,
        id: it.id,
        user_id: it.user || user,
        title: it.title,
        message: it.message,
        type: it.level ?? "info",
        related_project_id: it.references?.project ?? null,
        related_task_id: it.references?.task ?? null,
        is_read: Boolean(it.read),
        read_at: it.read ?? null,
        created_at: it.created,
    }),
    toStats: ({ unread }) => ({ unread_count: unread }),
    connectedFrames: ({ user, connection }) => [
        { event: "connected", data: { user_id: user, connection_id: connection } },
    ],
    notificationFrames: (it, { user }) => [
        { event: eventName(it), data: VOLUNTEERS.toNotification(it, user) },
    ],
    parseRequest: () => null, // an event stream takes no frames
};

/** @param {Notification} it */
function eventName({ category, data }) {
    const isForAll = category === ANNOUNCEMENT && Boolean(Object(data).everyone);
    return isForAll ? ANNOUNCEMENT : "notification";
}

const useVolunteers = createHook(VOLUNTEERS);

/**
 * The product's own hook: notifications, newest first, and the unread count.
 * @param {string | null | HookOptions} [tokenOrOptions] without a token nobody is signed in
 */
export function useNotifications(tokenOrOptions) {
    return useVolunteers(tokenOptions(tokenOrOptions));
}

export {
    useNotifications as default,
    useNotifications as useEventStream,
    useNotifications as useNotificationStream,
};
