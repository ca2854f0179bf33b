// The field service's dashboard: the latest news of work orders, and how many are unread.

import { useEffect, useState } from "react";
// The one line that changed; before: "../hooks/useWebSocket"
import { useWebSocket } from "tidings-web/react/field-service.js";

export default function Dashboard({ token }) {
    const [news, setNews] = useState([]);
    const [unread, setUnread] = useState(0);
    const { isConnected, lastMessage } = useWebSocket(
        `${location.origin.replace("http", "ws")}/ws?token=${token}`,
    );
    useEffect(() => {
        if (lastMessage?.type !== "dashboard.notification.update") return;
        const { notification, unread_count } = lastMessage.data;
        if (notification) setNews((known) => [notification, ...known]);
        if (unread_count !== undefined) setUnread(unread_count);
    }, [lastMessage]);
    return (
        <main className={isConnected ? "connected" : "disconnected"}>
            <b id="unread">{unread}</b>
            {news.map((it) => (
                <p key={it.id} className={`priority-${it.priority}`}>
                    {it.type}: {it.message}
                </p>
            ))}
        </main>
    );
}
