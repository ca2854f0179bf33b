// Socket.IO as its documentation shows it, with connection state recovery: a room for each user.
//
// PORT, RECOVERY_MILLISECONDS (how long a client may be away) and, for the Redis Streams adapter,
// REDIS_URL come from the environment.
// `POST /send?user=…` emits the body to one user. `POST /write?count=…&per_second=…&users=…` emits
// it to the users `user-0`, `user-1`, … in turn, from within, `STAMP` in it replaced by the moment
// (nanoseconds of CLOCK_MONOTONIC) at which it fell due; answers when done.

import { createServer } from "node:http";
import { Server } from "socket.io";

// The benchmark's clients do not answer pings, and do not stay as long.
const HEARTBEAT_MILLISECONDS = 600_000;
const { PORT, REDIS_URL, RECOVERY_MILLISECONDS = "120000" } = process.env;

async function adapter(url) {
    const [{ createClient }, { createAdapter }] = await Promise.all([
        import("redis"),
        import("@socket.io/redis-streams-adapter"),
    ]);
    const client = createClient({ url });
    await client.connect();
    return createAdapter(client);
}

async function body(request) {
    const parts = [];
    for await (const part of request) parts.push(part);
    return Buffer.concat(parts).toString();
}

const pause = () => new Promise((resolve) => setTimeout(resolve, 1));

async function write(text, count, perSecond, users) {
    const started = process.hrtime.bigint();
    for (let sent = 0; sent < count; await pause()) {
        const due = Math.min(
            count,
            (Number(process.hrtime.bigint() - started) / 1e9) * perSecond + 1,
        );
        for (; sent < due; sent += 1) {
            const stamp = started + BigInt(Math.round((sent * 1e9) / perSecond));
            io.to(`user-${sent % users}`).emit(
                "notification",
                JSON.parse(text.replace('"STAMP"', String(stamp))),
            );
        }
    }
}

async function obey(request) {
    const { pathname, searchParams: asked } = new URL(request.url, "http://localhost");
    const text = await body(request);
    if (pathname === "/send") io.to(asked.get("user")).emit("notification", JSON.parse(text));
    else
        await write(
            text,
            Number(asked.get("count")),
            Number(asked.get("per_second")),
            Number(asked.get("users")),
        );
}

const http = createServer(async (request, response) => {
    if (request.url.startsWith("/socket.io/")) return;
    await obey(request);
    response.writeHead(200, { "content-length": "0" }).end();
});
const io = new Server(http, {
    transports: ["websocket"],
    pingInterval: HEARTBEAT_MILLISECONDS,
    connectionStateRecovery: { maxDisconnectionDuration: Number(RECOVERY_MILLISECONDS) },
    ...(REDIS_URL ? { adapter: await adapter(REDIS_URL) } : {}),
});
io.on("connection", (socket) => {
    if (!socket.recovered) socket.join(socket.handshake.auth.user);
});
process.on("SIGTERM", () => io.close(() => setTimeout(() => process.exit(0), 200)));
http.listen(Number(PORT), "127.0.0.1", 4096);
