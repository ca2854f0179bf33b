// Hooks on a server: they render the empty state, and keep no token.

import assert from "node:assert/strict";
import { createRequire } from "node:module";
import { test } from "node:test";

import { useWebSocket } from "../../services/tidings/edge/web/react/incidents.js";
import { TidingsProvider, useTidings } from "../../services/tidings/edge/web/react.js";

const require = createRequire(
    new URL("../../services/tidings/edge/web/package.json", import.meta.url),
);
const { createElement } = require("react");
const { renderToString } = require("react-dom/server");

test("a page is rendered on a server in its empty state", () => {
    const Board = () => {
        const { isConnected, connectionState, lastMessage, notifications, unreadCount } =
            useWebSocket("wss://example.org/ws?token=a.b.c");
        return JSON.stringify({
            isConnected,
            connectionState,
            lastMessage,
            notifications,
            unreadCount,
        });
    };
    const Status = () => useTidings().state;

    const [board, status] = [
        createElement(Board),
        createElement(TidingsProvider, { token: "a.b.c" }, createElement(Status)),
    ].map((each) => renderToString(each).replaceAll("&quot;", '"'));

    assert.equal(
        board,
        '{"isConnected":false,"connectionState":"disconnected","lastMessage":null,' +
            '"notifications":[],"unreadCount":0}',
    );
    assert.equal(status, "offline");
});
