// The incidents' board: what is new, what was read or deleted, and the figures above it.

import { useEffect, useState } from "react";
// The one line that changed; before: "../hooks/useWebSocket"
import { useWebSocket } from "tidings-web/react/incidents.js";

export default function Board({ token }) {
    const [board, setBoard] = useState({ greeting: "", stats: {}, open: [] });
    const [said, setSaid] = useState([]);
    const { lastMessage, connectionState } = useWebSocket({
        token,
        onStatsUpdate: ({ unread }) => setSaid((known) => [...known, unread]),
    });
    useEffect(() => {
        if (lastMessage?.event) setBoard((known) => after(known, lastMessage));
    }, [lastMessage]);
    return (
        <main className={connectionState} data-said={said.join()}>
            <h1>{board.greeting}</h1>
            <b id="unread">
                {board.stats.unread} of {board.stats.total}
            </b>
            {board.open.map((it) => (
                <a key={it.id} href={it.entity_url} className={it.priority}>
                    {it.title}
                </a>
            ))}
        </main>
    );
}

function after(board, { event, data }) {
    switch (event) {
        case "connection:established":
            return { ...board, greeting: `${data.message}, ${data.user_id}` };
        case "notification:new":
            return { ...board, open: [data, ...board.open] };
        case "notification:read":
        case "notification:deleted":
            return { ...board, open: board.open.filter((it) => it.id !== data.id) };
        case "stats:updated":
            return { ...board, stats: data };
        default:
            return board;
    }
}
