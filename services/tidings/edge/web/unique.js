// Unique: a name that nobody else has.

/** A UUID; where a page may not make one, for want of a secure context, a number that is as good. */
export function unique() {
    return globalThis.crypto?.randomUUID?.() ?? String(Math.random()).slice(2);
}
