// View: what is shown of a log's state, with the marks on top that the log has not confirmed yet.

import { applyMarks, isListed } from "./marks.js";
import { newestFirst } from "./reducer.js";

/** @import {Counts, Notification, Operation} from "./protocol.js" */
/** @import {LogState} from "./reducer.js" */

/** @typedef {{notifications: Notification[], counts: Counts, complete: boolean}} View */

/**
 * Compute what is shown, newest first, and how many there are.
 * @param {LogState} log
 * @param {Operation[]} operations not confirmed yet
 * @param {number} now milliseconds since 1970
 * @returns {View}
 */
export function computeView(log, operations, now) {
    const counts = { ...log.counts };
    const notifications = [];
    let listedCount = 0;
    for (const it of log.notifications.values()) {
        const current = applyMarks(it, operations);
        if (isListed(it, now)) listedCount += 1;
        if (current && isListed(current, now)) notifications.push(current);
        if (current !== it) addDifference(counts, it, current, now);
    }
    for (const operation of operations) {
        if (operation.up_to) applyWatermark(counts, operation, notifications);
    }
    return {
        notifications: notifications.sort(newestFirst),
        counts: atLeastZero(counts),
        complete: listedCount >= log.counts.total,
    };
}

/**
 * Correct the server's counts by what the pending marks change about one notification.
 * @param {Counts} counts
 * @param {Notification} before
 * @param {Notification | null} after
 * @param {number} now
 */
function addDifference(counts, before, after, now) {
    const [was, is] = [isListed(before, now), isListed(after, now)];
    counts.total += Number(is) - Number(was);
    counts.unread += Number(is && !after?.read) - Number(was && !before.read);
    counts.unseen += Number(is && !after?.seen) - Number(was && !before.seen);
}

/**
 * Correct the counts by a watermark, which reaches notifications that are not loaded, too: of those
 * that it marks, no more can be left than are shown.
 * @param {Counts} counts
 * @param {Operation} operation
 * @param {Notification[]} notifications shown
 */
function applyWatermark(counts, { state }, notifications) {
    const removes = state === "archived" || state === "deleted";
    const reads = removes || state === "read";
    if (removes) counts.total = notifications.length;
    if (reads) counts.unread = notifications.filter((it) => !it.read).length;
    if (reads || state === "seen") counts.unseen = notifications.filter((it) => !it.seen).length;
}

/** @param {Counts} counts */
function atLeastZero({ unread, unseen, total }) {
    return { unread: Math.max(0, unread), unseen: Math.max(0, unseen), total: Math.max(0, total) };
}
