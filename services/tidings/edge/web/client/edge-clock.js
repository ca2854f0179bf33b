// Edge clock: the edge's time in a browser, whose own clock may be wrong and may be set.

export class EdgeClock {
    #edgeTime = Date.now();
    #ownTime = this.#edgeTime;
    #stopwatch = performance.now();

    /** Set it by how far the browser's clock is behind the edge's. @param {number} milliseconds */
    setSkew(milliseconds) {
        this.#ownTime = Date.now();
        this.#edgeTime = this.#ownTime + milliseconds;
        this.#stopwatch = performance.now();
    }

    /**
     * The edge's time in ms since 1970. A person may put the clock back, and the stopwatch may stop
     * while the computer sleeps: the one that went further is right.
     */
    get now() {
        const [byClock, byStopwatch] = [
            Date.now() - this.#ownTime,
            performance.now() - this.#stopwatch,
        ];
        return this.#edgeTime + Math.max(byClock, byStopwatch);
    }

    /** How far the browser's clock is behind the edge's, in milliseconds. */
    get skew() {
        return this.now - Date.now();
    }
}
