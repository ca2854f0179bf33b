// The barbershop's list of appointments booked, and nothing else; a click on one says that it has been read.

import { useEffect, useState } from "react";
import { useNotifications } from "tidings-web/react/barbershop.js"; // was "@/hooks/useNotifications"

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
            {booked.map((it) => <button key={it.id} onClick={() => markAsRead(it.id)}>{it.data.client_name}</button>)}
        </main>
    );
}
