// The hooks of all five products; records the frames of each, as rendered and as called back.

import { useEffect } from "react";
import barbershop from "tidings-web/react/barbershop.js";
import chat from "tidings-web/react/chat.js";
import fieldService from "tidings-web/react/field-service.js";
import incidents from "tidings-web/react/incidents.js";
import volunteers from "tidings-web/react/volunteers.js";

const HOOKS = { "field-service": fieldService, barbershop, chat, incidents, volunteers };

window.called = Object.fromEntries(Object.keys(HOOKS).map((name) => [name, []]));
window.rendered = structuredClone(called);
window.send = {};
window.brought = (frames) => frames.filter(({ data }) => data?.title ?? data?.notification).length;
window.settled = (count) =>
    Object.keys(HOOKS).every(
        (name) => brought(called[name]) === count && called[name].length === rendered[name].length,
    );

function Frames({ token, name }) {
    const { lastMessage, isConnected, sendMessage } = HOOKS[name]({
        token,
        onMessage: (frame) => called[name].push(frame),
    });
    useEffect(() => {
        if (lastMessage && lastMessage !== rendered[name].at(-1)) rendered[name].push(lastMessage);
    }, [lastMessage]);
    window.send[name] = sendMessage;
    return <p className={isConnected ? "connected" : "disconnected"}>{name}</p>;
}

export default function All({ token }) {
    return Object.keys(HOOKS).map((name) => <Frames key={name} token={token} name={name} />);
}
