"""The plain stack: FastAPI, a Postgres row per transaction, Redis pub/sub, SSE and WebSockets.

Written as such products write it: one process, one subscription per connection, nothing kept for
users who are away. Run `uvicorn tests.benchmarks.peers.fastapi_redis:app`, with PLAIN_POSTGRES_DSN,
PLAIN_REDIS_URL and PLAIN_POOL_CONNECTIONS in the environment.
"""

import asyncio
import os
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

from fastapi import FastAPI, WebSocket, WebSocketDisconnect
from fastapi.responses import StreamingResponse
from psycopg.types.json import Jsonb
from psycopg_pool import AsyncConnectionPool
from pydantic import BaseModel, Field
from redis.asyncio import Redis

SCHEMA = """
CREATE SCHEMA IF NOT EXISTS plain_stack;
CREATE TABLE IF NOT EXISTS plain_stack.notifications (
    id uuid PRIMARY KEY, user_id text NOT NULL, type text NOT NULL,
    title text NOT NULL, message text NOT NULL, data jsonb NOT NULL,
    is_read boolean NOT NULL DEFAULT false, created_at timestamptz NOT NULL
);
CREATE INDEX IF NOT EXISTS notifications_of_user
    ON plain_stack.notifications (user_id, created_at DESC);
TRUNCATE plain_stack.notifications;
"""
INSERT = """
INSERT INTO plain_stack.notifications (id, user_id, type, title, message, data, created_at)
VALUES (%(id)s, %(user_id)s, %(type)s, %(title)s, %(message)s, %(data)s, %(created_at)s)
"""
CONNECTED = '{"type":"connected"}'

redis = Redis.from_url(
    os.environ.get("PLAIN_REDIS_URL", "redis://127.0.0.1:6379"),
    decode_responses=True,
    max_connections=20_000,
)
pool = AsyncConnectionPool(
    os.environ.get("PLAIN_POSTGRES_DSN", ""),
    min_size=4,
    max_size=int(os.environ.get("PLAIN_POOL_CONNECTIONS", "10")),
    kwargs={
        "autocommit": True
    },  # one statement is one transaction: no round trips for BEGIN and COMMIT
    open=False,
)


class NotificationIn(BaseModel):
    """What a caller posts."""

    user_id: str
    title: str = Field(max_length=150)
    message: str
    type: str = "info"
    data: dict[str, Any] = Field(default_factory=dict)


class Notification(NotificationIn):
    """What is stored, published and answered."""

    id: UUID = Field(default_factory=uuid4)
    is_read: bool = False
    created_at: datetime = Field(default_factory=lambda: datetime.now(UTC))


@asynccontextmanager
async def lifespan(_: FastAPI) -> AsyncGenerator[None]:
    """Open the pool before the first request and close both clients after the last."""
    async with pool:
        await pool.wait(timeout=10)
        yield
    await redis.aclose()


app = FastAPI(lifespan=lifespan)


def channel(user: str) -> str:
    """The pub/sub channel of one user."""
    return f"user:{user}"


@app.post("/notifications", status_code=201)
async def create(posted: NotificationIn) -> Notification:
    """One row in one transaction, then one message on the user's channel."""
    notification = Notification(**posted.model_dump())
    async with pool.connection() as connection:
        await connection.execute(
            INSERT, notification.model_dump() | {"data": Jsonb(notification.data)}
        )
    await redis.publish(channel(notification.user_id), notification.model_dump_json())
    return notification


async def messages(user: str) -> AsyncIterator[str]:
    """`connected` once subscribed, then each notification published to the user from now on."""
    async with redis.pubsub() as pubsub:
        await pubsub.subscribe(channel(user))
        async for message in pubsub.listen():
            yield message["data"] if message["type"] == "message" else CONNECTED


@app.get("/stream")
async def stream(user: str) -> StreamingResponse:
    """Server-Sent Events, one event a notification."""

    async def events() -> AsyncIterator[str]:
        async for message in messages(user):
            yield f"event: notification\ndata: {message}\n\n"

    return StreamingResponse(
        events(),
        media_type="text/event-stream",
        headers={"Cache-Control": "no-cache", "X-Accel-Buffering": "no"},
    )


@app.websocket("/ws")
async def socket(websocket: WebSocket, user: str) -> None:
    """Send one text frame per notification; frames of the client only keep the connection alive."""
    await websocket.accept()

    async def forward() -> None:
        async for message in messages(user):
            await websocket.send_text(message)

    forwarding = asyncio.create_task(forward())
    with suppress(WebSocketDisconnect):
        while True:
            await websocket.receive_text()
    forwarding.cancel()
