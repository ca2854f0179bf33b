// Protocol: the shapes of what an edge and a browser say to each other, as types alone; nothing here runs.

/**
 * Where one stands in a person's log: `<epoch>-<sequence>`, in the middle of a replay with more behind it.
 * @typedef {string} Cursor
 */

/**
 * @typedef {"read" | "unread" | "seen" | "archived" | "unarchived" | "snoozed" | "unsnoozed" | "deleted"} MarkState
 * @typedef {{category?: string, type?: string, entity?: string, group?: string, unread?: boolean}} Filter
 */

/**
 * How many a person has that are neither archived nor snoozed.
 * @typedef {{unread: number, unseen: number, total: number}} Counts
 */

/**
 * One thing a person was told, as it now stands. Times are ISO 8601.
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
 * @property {string} [actor]
 * @property {string} [group]
 * @property {string} [tenant]
 * @property {string} [user]
 * @property {string} created
 * @property {string} [occurred]
 * @property {string} [expires]
 * @property {number} [count] it stands for so many events of its group
 * @property {string[]} [actors] whose the newest of them are
 * @property {{name: string, label: string}[]} [actions]
 * @property {string} [seen]
 * @property {string} [read]
 * @property {string} [archived]
 * @property {string} [snoozed] until when
 * @property {string} [acted] the action that was taken
 */

/**
 * What became of notifications: by ids, by watermark, or by filter.
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
 * A mark of one's own that the log has not confirmed yet.
 * @typedef {object} Operation
 * @property {string} op its name; in the order of their names they are kept and sent
 * @property {MarkState} state
 * @property {string} at
 * @property {string[]} [ids]
 * @property {Cursor} [up_to]
 * @property {Filter} [filter]
 * @property {string} [until]
 * @property {number} due when it may be sent, in milliseconds since 1970
 * @property {string[]} [touched] the ids of those that it changed, for undoing it
 * @property {Cursor} [confirmed] where its entry stands in the log
 */

/**
 * @typedef {{type: "hello", connection: string, user: string, cursor: Cursor, heartbeat_seconds: number, lifetime_seconds: number, now?: string}} Hello
 * @typedef {{type: "snapshot", cursor: Cursor, counts: Counts, notifications: Notification[]}} Snapshot
 * @typedef {{type: "entries", after: Cursor, cursor: Cursor, entries: (Notification | Mark)[], counts?: Counts, more?: boolean}} Entries
 * @typedef {{type: "live" | "heartbeat", cursor: Cursor}} Standing
 * @typedef {{type: "reset", reason: string, cursor?: Cursor}} Reset
 * @typedef {{type: "move", after_milliseconds: number}} Move
 * @typedef {{type: "error", code: string, message: string, retry: boolean}} Failure
 * @typedef {{type: "token_expiring", expires_in_seconds: number}} TokenExpiring
 * @typedef {Hello | Snapshot | Entries | Standing | Reset | Move | Failure | TokenExpiring} Frame
 */

/**
 * How a connection stands.
 * @typedef {"offline" | "connecting" | "catching up" | "live" | "signed out"} State
 * @typedef {{state: State, retryAt: number | null, reason: string | null, user: string | null, skew: number}} Status
 */

export {};
