// UUID: a random name for a device, a tab or a connection.

/**
 * Return a UUID. `randomUUID` is missing on pages without a secure context (plain HTTP); there a
 * random number takes its place.
 */
export function uuid() {
    return globalThis.crypto?.randomUUID?.() ?? String(Math.random()).slice(2);
}
