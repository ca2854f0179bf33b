// Components without a provider, one of which says how to connect.

import { useNotifications, useTidings } from "tidings-web/react.js";

function Badge() {
    return <b id="unread">{useNotifications().unreadCount}</b>;
}

export default function Lone() {
    const { state, user } = useTidings({ getToken: () => window.token("alice") });
    return (
        <main>
            <i id="status">
                {state} {user}
            </i>
            <Badge />
        </main>
    );
}
