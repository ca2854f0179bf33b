// The barbershop's list of appointments booked; a click on one marks it as read.

import { useEffect, useState } from "react";
// The one line that changed; before: "@/hooks/useNotifications"
import { useNotifications } from "tidings-web/react/barbershop.js";

export default function Appointments({ token }) {
    const [booked, setBooked] = useState([]);
    const { isConnected, lastMessage, sendMessage, unreadCount, markAsRead } = useNotifications({
        token,
        autoReconnect: true,
        reconnectInterval: 1000,
        maxReconnectAttempts: 10,
        onNotification: (it) => setBooked((known) => [...known, it]),
    });
    useEffect(() => {
        if (!isConnected) return;
        sendMessage({ type: "subscribe", event_type: "appointment_booked" });
        sendMessage({ type: "ping" });
    }, [isConnected]);
    return (
        <main className={isConnected ? "connected" : "disconnected"}>
            <b id="unread">{unreadCount}</b>
            {lastMessage?.type === "pong" && <i>ready</i>}
            {booked.map((it) => (
                <button type="button" key={it.id} onClick={() => markAsRead(it.id)}>
                    {it.data.client_name}
                </button>
            ))}
        </main>
    );
}
