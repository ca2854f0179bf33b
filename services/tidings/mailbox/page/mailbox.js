// The page of the mailbox: the list follows the server, one mail is read beside it.

const WAIT_SECONDS = 25;
const RETRY_MILLISECONDS = 2000;
const byId = (id) => document.getElementById(id);

const READ_KEY = "tidings mailbox read";

let version = 0;
let mails = [];
let chosen = null;
let opening = null;
let view = "html";
const known = new Set();
const read = new Set(JSON.parse(localStorage.getItem(READ_KEY) ?? "[]"));

/** Follow the mailbox without end: each answer comes when something has changed. */
async function follow() {
    for (let isFirst = true; ; isFirst = false) {
        try {
            const wait = isFirst ? "" : `?after=${version}&wait=${WAIT_SECONDS}`;
            const answer = await fetch(`/v1/mails${wait}`);
            if (!answer.ok) {
                throw new Error(`the mailbox answers ${answer.status}`);
            }
            take(await answer.json(), isFirst);
            byId("lost").hidden = true;
        } catch {
            byId("lost").hidden = false;
            await new Promise((resolve) => setTimeout(resolve, RETRY_MILLISECONDS));
        }
    }
}

function take(list, isFirst) {
    const arrived = list.mails.filter((mail) => !known.has(mail.id));
    version = list.version;
    mails = list.mails;
    for (const mail of arrived) {
        known.add(mail.id);
    }
    if (chosen && !mails.some((mail) => mail.id === chosen)) {
        close();
    }
    if (!isFirst && arrived.length > 0) {
        byId("status").textContent = `New: ${arrived.map((mail) => mail.subject).join(", ")}`;
    }
    showList();
}

function wanted() {
    const words = byId("find").value.trim().toLowerCase();
    return mails.filter((mail) =>
        [mail.subject, mail.sender, ...mail.recipients].join(" ").toLowerCase().includes(words),
    );
}

function showList() {
    const shown = wanted();
    const focused = document.activeElement?.closest("li")?.dataset.id;
    byId("none").hidden = shown.length > 0;
    byId("none").textContent = mails.length > 0 ? "No mail has these words." : "No mail yet.";
    byId("mails").replaceChildren(...shown.map(row));
    if (focused) {
        byId("mails").querySelector(`[data-id="${CSS.escape(focused)}"] button`)?.focus();
    }
}

function row(mail) {
    const item = document.createElement("li");
    const button = document.createElement("button");
    const received = document.createElement("time");
    received.dateTime = mail.received;
    received.textContent = new Date(mail.received).toLocaleTimeString();
    item.dataset.id = mail.id;
    const isNew = !read.has(mail.id);
    item.classList.toggle("new", isNew);
    button.type = "button";
    button.setAttribute("aria-current", String(mail.id === chosen));
    button.append(
        ...(isNew ? [text("span", "unread", "Unread: ")] : []),
        text("span", "about", mail.subject || "(no subject)"),
        received,
        text("span", "who", `${mail.sender || "(nobody)"} → ${mail.recipients.join(", ")}`),
    );
    button.addEventListener("click", () => open(mail));
    item.append(button);
    return item;
}

async function open(mail) {
    opening = mail.id;
    const answer = await fetch(`/v1/mails/${mail.id}`);
    if (!answer.ok) {
        byId("status").textContent = "This mail is deleted.";
        return;
    }
    const content = await answer.json();
    if (opening !== mail.id) {
        return; // another one was chosen meanwhile
    }
    chosen = mail.id;
    remember(mail.id);
    byId("subject").textContent = mail.subject || "(no subject)";
    byId("envelope").replaceChildren(
        ...term("From", mail.sender || "(nobody: a bounce)"),
        ...term("To", mail.recipients.join(", ")),
        ...term("At", new Date(mail.received).toLocaleString()),
    );
    byId("text").textContent = content.text || "(no text)";
    byId("headers").replaceChildren(
        ...content.headers.flatMap((header) => term(header.name, header.value)),
    );
    byId("html").src = content.has_html ? `/v1/mails/${mail.id}/html` : "about:blank";
    byId("source").href = `/v1/mails/${mail.id}/source`;
    document.querySelector('[data-view="html"]').hidden = !content.has_html;
    show(content.has_html ? view : view === "html" ? "text" : view);
    byId("mail").hidden = false;
    byId("hint").hidden = true;
    document.body.classList.add("reading");
    byId("subject").focus();
    showList();
}

/** Keep which of the listed mails were read, also for the next visit. */
function remember(id) {
    read.add(id);
    const kept = mails.map((mail) => mail.id).filter((each) => read.has(each));
    localStorage.setItem(READ_KEY, JSON.stringify(kept));
}

function show(name) {
    for (const button of document.querySelectorAll("[data-view]")) {
        button.setAttribute("aria-pressed", String(button.dataset.view === name));
        byId(button.dataset.view).hidden = button.dataset.view !== name;
    }
}

function close() {
    const last = chosen;
    chosen = opening = null;
    byId("mail").hidden = true;
    byId("hint").hidden = false;
    document.body.classList.remove("reading");
    showList();
    byId("mails").querySelector(`[data-id="${CSS.escape(last ?? "")}"] button`)?.focus();
}

function text(name, className, words) {
    const element = document.createElement(name);
    element.className = className;
    element.textContent = words;
    return element;
}

function term(name, value) {
    const dt = document.createElement("dt");
    const dd = document.createElement("dd");
    dt.textContent = name;
    dd.textContent = value;
    return [dt, dd];
}

/** J and K go through the list. */
function step(by) {
    const shown = wanted();
    const at = shown.findIndex((mail) => mail.id === opening);
    const next = shown[at === -1 ? 0 : at + by];
    if (next) {
        open(next);
    }
}

for (const button of document.querySelectorAll("[data-view]")) {
    button.addEventListener("click", () => {
        view = button.dataset.view;
        show(view);
    });
}
byId("find").addEventListener("input", showList);
byId("back").addEventListener("click", close);
byId("clear").addEventListener("click", async () => {
    await fetch("/v1/mails", { method: "DELETE" });
    close();
});
document.addEventListener("keydown", (event) => {
    if (event.target.matches("input") || event.ctrlKey || event.metaKey || event.altKey) {
        return;
    }
    const keys = { j: () => step(1), k: () => step(-1), Escape: close };
    keys[event.key]?.();
});
follow();
