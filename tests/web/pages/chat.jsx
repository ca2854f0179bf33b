// The chat's notifications: its own frames, both ways, on whatever comes last.

import { useEffect, useState } from "react";
// The one line that changed; before: "../hooks/useNotifications"
import { useNotifications } from "tidings-web/react/chat.js";

export default function Notifications({ token }) {
    const [shown, setShown] = useState([]);
    const [count, setCount] = useState(null);
    const { isConnected, lastMessage, sendMessage } = useNotifications({ token });
    useEffect(() => {
        if (isConnected) sendMessage(JSON.stringify({ type: "get_unread_count" }));
    }, [isConnected]);
    useEffect(() => {
        const { type, data } = lastMessage ?? {};
        if (type === "notification") setShown((known) => [...known, data]);
        if (type === "unread_count") setCount(data.count);
        if (type === "notification_update")
            setShown((known) =>
                known.map((it) =>
                    it.notification_id === data.notification_id
                        ? { ...it, status: data.status }
                        : it,
                ),
            );
    }, [lastMessage]);
    const read = (id) => {
        sendMessage({ type: "mark_read", notification_id: id });
        sendMessage({ type: "get_unread_count" });
    };
    return (
        <main>
            <b id="unread">{count}</b>
            {shown.map((it) => (
                <button
                    type="button"
                    key={it.notification_id}
                    className={it.status ?? "new"}
                    onClick={() => read(it.notification_id)}
                >
                    {it.message}
                </button>
            ))}
        </main>
    );
}
