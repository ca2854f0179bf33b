// Volunteers: hooks for the pages of its projects, in their own words: the events of a stream, each by its name.

import { hook } from "./hook.js";

/** @import {Dialect} from "./dialect.js" */

const ANNOUNCEMENT = "system_announcement";

/** @type {Dialect} */
export const VOLUNTEERS = {
    shown: (it, user) => ({
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
    stats: ({ unread }) => ({ unread_count: unread }),
    greeted: ({ user, connection }) => [{ event: "connected", data: { user_id: user, connection_id: connection } }],
    notified(it, { user }) {
        const event = it.category === ANNOUNCEMENT ? ANNOUNCEMENT : "notification";
        return [{ event, data: VOLUNTEERS.shown(it, user) }];
    },
    asked: () => null, // a stream goes one way
};

export const useNotifications = hook(VOLUNTEERS);
export { useNotifications as default, useNotifications as useEventStream, useNotifications as useNotificationStream };
