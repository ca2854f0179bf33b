// What is measured inside a page: when something is painted, and how long frames take.

window.frame = () => new Promise((resolve) => requestAnimationFrame(resolve));

/** When what is drawn in the next frame has been painted, in milliseconds since the page began. */
window.painted = async () => {
    await frame();
    return frame();
};

/** When the last module had arrived. */
window.loaded = () => Math.max(...performance.getEntriesByType("resource").filter(({ name }) => name.endsWith(".js")).map((each) => each.responseEnd));

/** The first paint of a bell, and that of its badge, in milliseconds after the modules had arrived. */
window.firstPaint = async (user) => {
    const bell = document.createElement("tidings-bell");
    document.body.append(bell);
    const [{ connect }] = await Promise.all([import("/web/client.js"), import("/web/elements.js")]);
    window.tidings = connect({ getToken: () => token(user) });
    const contentful = await new Promise((resolve) =>
        new PerformanceObserver((list) => resolve(list.getEntries()[0].startTime)).observe({ type: "paint", buffered: true }),
    );
    while (bell.shadowRoot.querySelector(".badge").hidden) await frame();
    return { bell: contentful - loaded(), badge: (await painted()) - loaded() };
};

/** A page with everything on it, connected. */
window.open = async (user, options = {}) => {
    const [{ connect }] = await Promise.all([import("/web/client.js"), import("/web/elements.js")]);
    document.body.innerHTML = "<style>body { margin: 0 } tidings-inbox { height: 100vh }</style><tidings-bell></tidings-bell><tidings-toasts></tidings-toasts><tidings-inbox></tidings-inbox>";
    window.tidings = connect({ getToken: () => token(user), ...options });
    await until(() => tidings.state === "live");
};

window.until = async (condition) => {
    while (!condition()) await frame();
};

/** Come back: milliseconds from being told so, and from the first entries to arrive, until what was missed is painted. */
window.comeBack = async (account, count) => {
    const { total } = tidings.counts;
    let arrived = null;
    const { nameOf } = await import("/web/seat.js");
    const channel = new BroadcastChannel(nameOf({ url: location.origin, account }));
    channel.onmessage = ({ data }) => data.frame?.entries?.length && (arrived ??= performance.now());
    const began = performance.now();
    const caughtUp = new Promise((resolve) => tidings.addEventListener("caughtup", resolve, { once: true }));
    tidings.connect();
    await caughtUp;
    const shown = await painted();
    channel.close();
    if (arrived === null) throw new Error("nothing was heard of what came");
    if (tidings.counts.total !== total + count) throw new Error(`${tidings.counts.total - total} of ${count} came`);
    return { arrived: shown - arrived, began: shown - began };
};

/** Milliseconds between frames while something is done in each, until it says that it is done. */
window.frames = async (step) => {
    const found = [];
    let last = await frame();
    while (!(await step())) {
        const now = await frame();
        found.push(now - last);
        last = now;
    }
    return found;
};

/** Scroll to the very end, so many pixels a frame, with older ones loaded as the end comes near. */
window.scrollDown = async (pixels) => {
    const scroll = document.querySelector("tidings-inbox").shadowRoot.querySelector(".scroll");
    const rows = () => Number([...scroll.querySelectorAll("article")].at(-1)?.getAttribute("aria-posinset"));
    const found = await frames(() => {
        scroll.scrollTop += pixels;
        return tidings.complete && rows() >= tidings.counts.total && scroll.scrollTop + scroll.clientHeight >= scroll.scrollHeight - 1;
    });
    return { found, rows: rows() };
};

/** The same of a page on which nothing happens. */
window.idle = (count) => frames(() => (count -= 1) < 0);
