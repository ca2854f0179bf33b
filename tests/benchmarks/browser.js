// Measurements inside a page: when something is painted, and how long frames take.

window.frame = () => new Promise((resolve) => requestAnimationFrame(resolve));

/** Return when the next frame has been painted, in milliseconds since the page began. */
window.painted = async () => {
    await frame();
    return frame();
};

/** Return when the last module had arrived. */
window.loaded = () =>
    Math.max(
        ...performance
            .getEntriesByType("resource")
            .filter(({ name }) => name.endsWith(".js"))
            .map(({ responseEnd }) => responseEnd),
    );

/** Return when a bell and its badge are first painted, in ms after the modules had arrived. */
window.firstPaint = async (user) => {
    const bell = document.createElement("tidings-bell");
    document.body.append(bell);
    const [{ connect }] = await Promise.all([import("/web/client.js"), import("/web/elements.js")]);
    window.tidings = connect({ getToken: () => token(user) });
    const contentful = await new Promise((resolve) =>
        new PerformanceObserver((list) => resolve(list.getEntries()[0].startTime)).observe({
            type: "paint",
            buffered: true,
        }),
    );
    while (bell.shadowRoot.querySelector(".badge").hidden) await frame();
    return { bell: contentful - loaded(), badge: (await painted()) - loaded() };
};

/** Open a page with all elements, connected. */
window.open = async (user, options = {}) => {
    const [{ connect }] = await Promise.all([import("/web/client.js"), import("/web/elements.js")]);
    document.body.innerHTML = `
        <style>body { margin: 0 } tidings-inbox { height: 100vh }</style>
        <tidings-bell></tidings-bell>
        <tidings-toasts></tidings-toasts>
        <tidings-inbox></tidings-inbox>`;
    window.tidings = connect({ getToken: () => token(user), ...options });
    await until(() => tidings.state === "live");
};

window.until = async (condition) => {
    while (!condition()) await frame();
};

/** Reconnect; returns the ms from the call, and from the first entries, until all is painted. */
window.comeBack = async (account, count) => {
    const { total } = tidings.counts;
    let arrived = null;
    const { groupName } = await import("/web/sharing/leader-election.js");
    const channel = new BroadcastChannel(groupName({ url: location.origin, account }));
    channel.onmessage = ({ data }) => {
        if (data.frame?.entries?.length) arrived ??= performance.now();
    };
    const began = performance.now();
    const caughtUp = new Promise((resolve) =>
        tidings.addEventListener("caughtup", resolve, { once: true }),
    );
    tidings.connect();
    await caughtUp;
    const shown = await painted();
    channel.close();
    if (arrived === null) throw new Error("no entries arrived on the channel");
    if (tidings.counts.total !== total + count)
        throw new Error(`${tidings.counts.total - total} of ${count} arrived`);
    return { arrived: shown - arrived, began: shown - began };
};

/** Run a step in each frame until it returns true; returns the milliseconds between frames. */
window.frames = async (step) => {
    const intervals = [];
    let last = await frame();
    while (!(await step())) {
        const now = await frame();
        intervals.push(now - last);
        last = now;
    }
    return intervals;
};

/** Scroll to the very end, by a number of pixels a frame; older notifications load meanwhile. */
window.scrollDown = async (pixels) => {
    const scroll = document.querySelector("tidings-inbox").shadowRoot.querySelector(".scroll");
    const rows = () =>
        Number([...scroll.querySelectorAll("article")].at(-1)?.getAttribute("aria-posinset"));
    const intervals = await frames(() => {
        scroll.scrollTop += pixels;
        return (
            tidings.complete &&
            rows() >= tidings.counts.total &&
            scroll.scrollTop + scroll.clientHeight >= scroll.scrollHeight - 1
        );
    });
    return { intervals, rows: rows() };
};

/** Return the milliseconds between frames of a page on which nothing happens. */
window.idle = (count) => {
    let left = count;
    return frames(() => {
        left -= 1;
        return left < 0;
    });
};
