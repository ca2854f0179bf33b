// Tidings' own hooks: components inside one provider, whose renders and calls are counted.

import { useState } from "react";
import { TidingsProvider, useNotifications, useTidings } from "tidings-web/react.js";

window.calls = [];
window.renders = 0;
window.functions = new Set();

function Status() {
    const { state, user, client } = useTidings();
    window.client = client;
    return <i id="status">{client && `${state} ${user}`}</i>;
}

function Badge({ name }) {
    const {
        isConnected,
        unreadCount,
        connectionState,
        connect,
        disconnect,
        markAsRead,
        markAllAsRead,
        sendMessage,
    } = useNotifications({
        onNotification: ({ title }) => calls.push(`${name} hears ${title}`),
        onStatsUpdate: ({ unread }) => calls.push(`${name} counts ${unread}`),
        onConnect: () => calls.push(`${name} connects`),
        onDisconnect: () => calls.push(`${name} disconnects`),
    });
    window.renders += 1;
    for (const each of [connect, disconnect, markAsRead, markAllAsRead, sendMessage])
        functions.add(each);
    return (
        <button
            type="button"
            id={name}
            className={connectionState}
            onClick={isConnected ? disconnect : connect}
        >
            {unreadCount}
        </button>
    );
}

export default function Shop({ token }) {
    const [open, setOpen] = useState(true);
    return (
        <>
            <button type="button" id="open" onClick={() => setOpen(!open)}>
                open or close
            </button>
            {open && (
                <TidingsProvider token={token}>
                    <Status />
                    <Badge name="first" />
                    <Badge name="second" />
                </TidingsProvider>
            )}
        </>
    );
}
