// Client: the types of `tidings-web`, with those of the client's events.

import type { Tidings as Client } from "../types/client.js";
import type { ConnectionState, Cursor, MarkState, Notification } from "../types/client/protocol.js";

export * from "../types/client.js";

/** The `detail` of each event of a client. */
export interface TidingsEventDetails {
    change: Record<string, never>;
    state: {
        state: ConnectionState;
        previous: ConnectionState;
        retryAt: number | null;
        reason: string | null;
    };
    notification: { notification: Notification; live: boolean };
    caughtup: { replayed: number; from: Cursor | null; to: Cursor | null; milliseconds: number };
    reset: { reason: string };
    refused: { op: string; state?: MarkState; error: string };
    error: { code: string; message: string; temporary: boolean };
}

type TidingsListener<Name extends keyof TidingsEventDetails> =
    | ((this: Client, event: CustomEvent<TidingsEventDetails[Name]>) => void)
    | { handleEvent(event: CustomEvent<TidingsEventDetails[Name]>): void }
    | null;

declare module "../types/client.js" {
    interface Tidings {
        addEventListener<Name extends keyof TidingsEventDetails>(
            type: Name,
            listener: TidingsListener<Name>,
            options?: boolean | AddEventListenerOptions,
        ): void;
        addEventListener(
            type: string,
            listener: EventListenerOrEventListenerObject | null,
            options?: boolean | AddEventListenerOptions,
        ): void;
        removeEventListener<Name extends keyof TidingsEventDetails>(
            type: Name,
            listener: TidingsListener<Name>,
            options?: boolean | EventListenerOptions,
        ): void;
        removeEventListener(
            type: string,
            listener: EventListenerOrEventListenerObject | null,
            options?: boolean | EventListenerOptions,
        ): void;
    }
}
