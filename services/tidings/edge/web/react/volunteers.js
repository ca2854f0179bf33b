// Volunteers: hooks for its pages, which read an event stream; each event has a name.

import { createHook } from "./hook.js";

/** @import {Dialect} from "./dialect.js" */

const ANNOUNCEMENT = "system_announcement";

/** @type {Dialect} */
export const VOLUNTEERS = {
    toNotification: (it, user) => ({
        notification_id: it.id,
        id: it.id,
        user_id: it.user || user,
        title: it.title,
        message: it.message,
        type: it.type,
        related_project_id: it.references?.project ?? null,
        related_task_id: it.references?.task ?? null,
        is_read: Boolean(it.read),
        created_at: it.created,
    }),
    toStats: ({ unread }) => ({ unread_count: unread }),
    connectedFrames: ({ user, connection }) => [
        { event: "connected", data: { user_id: user, connection_id: connection } },
    ],
    notificationFrames(it, { user }) {
        const event = it.category === ANNOUNCEMENT ? ANNOUNCEMENT : "notification";
        return [{ event, data: VOLUNTEERS.toNotification(it, user) }];
    },
    parseRequest: () => null, // an event stream takes no frames
};

export const useNotifications = createHook(VOLUNTEERS);
export {
    useNotifications as default,
    useNotifications as useEventStream,
    useNotifications as useNotificationStream,
};
