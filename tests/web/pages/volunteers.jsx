// The volunteers' bell: tasks and announcements from an event stream, and the list behind it.

import { useEffect, useState } from "react";
// The one line that changed; before: "../hooks/useNotificationStream"
import { useEventStream } from "tidings-web/react/volunteers.js";

export default function Bell({ token }) {
    const [toasts, setToasts] = useState([]);
    const { isConnected, lastMessage, notifications, unreadCount, markAllAsRead } = useEventStream({
        token,
    });
    useEffect(() => {
        const { event, data } = lastMessage ?? {};
        if (event === "notification" || event === "system_announcement")
            setToasts((known) => [...known, `${event}: ${data.title}`]);
    }, [lastMessage]);
    return (
        <main className={isConnected ? "connected" : "disconnected"}>
            <button type="button" id="unread" onClick={markAllAsRead}>
                {unreadCount}
            </button>
            {toasts.map((it) => (
                <p key={it}>{it}</p>
            ))}
            <ul>
                {notifications.map((it) => (
                    <li key={it.id} data-task={it.related_task_id}>
                        {it.title}
                        {it.is_read && " (read)"}
                    </li>
                ))}
            </ul>
        </main>
    );
}
