// Protocol: the frames and objects that an edge and a browser exchange, as types; no code runs
// here.

/**
 * A position in a person's log, `<epoch>-<sequence>`; in the middle of a replay more follows after
 * a dot.
 * @typedef {string} Cursor
 */

/**
 * @typedef {"read" | "unread" | "seen" | "archived" | "unarchived" | "snoozed" | "unsnoozed" |
 *     "deleted"} MarkState
 * @typedef {{category?: string, type?: string, entity?: string, group?: string,
 *     unread?: boolean}} Filter
 */

/**
 * How many notifications a person has that are neither archived nor snoozed.
 * @typedef {{unread: number, unseen: number, total: number}} Counts
 */

/**
 * A notification with all marks applied. Times are ISO 8601.
 * @typedef {object} Notification
 * @property {"notification"} [entry]
 * @property {Cursor} cursor
 * @property {string} id
 * @property {string} type
 * @property {string} category
 * @property {"info" | "success" | "warning" | "error"} [level] info, if absent
 * @property {"low" | "normal" | "high" | "critical"} [priority] normal, if absent
 * @property {string} title
 * @property {string} message
 * @property {Record<string, any>} [data]
 * @property {{type: string, id: string, url?: string}} [entity]
 * @property {Record<string, string>} [references]
 * @property {string[]} [audience] the relations, such as `task:456#watcher`, of which one made this
 *     person a recipient; absent if the event names them
 * @property {string} [actor]
 * @property {string} [group]
 * @property {string} [tenant]
 * @property {string} [user]
 * @property {string} created
 * @property {string} [occurred]
 * @property {string} [expires]
 * @property {number} [count] how many events of its group it stands for
 * @property {string[]} [actors] of the newest of these events
 * @property {{name: string, label: string}[]} [actions]
 * @property {string} [seen]
 * @property {string} [read]
 * @property {string} [archived]
 * @property {string} [snoozed] until when
 * @property {string} [acted] the action that was taken
 */

/**
 * An entry that changes notifications: by ids, by watermark (`up_to`), or by filter.
 * @typedef {object} Mark
 * @property {"mark"} [entry]
 * @property {Cursor} [cursor]
 * @property {MarkState | "acted"} state
 * @property {string} at
 * @property {string[]} [ids]
 * @property {Cursor} [up_to]
 * @property {Filter} [filter]
 * @property {string} [until]
 * @property {string} [action]
 * @property {string} [op]
 */

/**
 * A mark made in this browser that the log has not confirmed yet. It is stored in IndexedDB.
 * @typedef {object} Operation
 * @property {string} op its name; operations are stored and sent in the order of their names
 * @property {MarkState} state
 * @property {string} at
 * @property {string[]} [ids]
 * @property {Cursor} [up_to]
 * @property {Filter} [filter]
 * @property {string} [until]
 * @property {number} [wait] milliseconds before it is sent, in which it can be undone
 * @property {string[]} [touched] the ids of the notifications it changed, for undoing it
 * @property {Cursor} [confirmed] where its entry lies in the log
 */

/**
 * @typedef {{type: "hello", connection: string, user: string, tenant?: string, cursor: Cursor,
 *     heartbeat_seconds: number, lifetime_seconds: number, now?: string}} Hello
 * @typedef {{type: "snapshot", cursor: Cursor, counts: Counts,
 *     notifications: Notification[]}} Snapshot
 * @typedef {{type: "entries", after: Cursor, cursor: Cursor, entries: (Notification | Mark)[],
 *     counts?: Counts, counts_delta?: Counts, more?: boolean}} Entries
 * @typedef {{type: "live" | "heartbeat", cursor: Cursor, counts?: Counts,
 *     after?: undefined, entries?: undefined, counts_delta?: undefined}} CursorFrame
 * @typedef {{type: "reset", reason: string, cursor?: Cursor}} Reset
 * @typedef {{type: "move", after_milliseconds: number}} Move
 * @typedef {{type: "error", code: string, message: string, retry: boolean,
 *     retry_after_seconds?: number, partition?: number}} ErrorFrame
 * @typedef {{type: "token_expiring", expires_in_seconds: number}} TokenExpiring
 * @typedef {Hello | Snapshot | Entries | CursorFrame | Reset | Move | ErrorFrame | TokenExpiring
 *     } Frame
 */

/**
 * What a connection does now; `skew` is the edge's clock minus the browser's, in milliseconds.
 * @typedef {"offline" | "connecting" | "catching up" | "live" | "signed out"} ConnectionState
 * @typedef {{state: ConnectionState, retryAt: number | null, reason: string | null,
 *     user: string | null, tenant: string | null, skew: number}} ConnectionStatus
 */

export {};
