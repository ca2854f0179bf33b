// Inbox: the head, the tabs and the scroll container.

export const INBOX = `
:host(.inbox) {
    display: flex;
    flex-direction: column;
    min-height: 0;
    position: relative;
    background: var(--surface);
    border-radius: var(--radius);
    overflow: hidden;
    container-type: inline-size;
}
.head {
    display: flex;
    align-items: center;
    gap: 6px;
    padding: 14px 12px 6px 18px;
    padding-inline: 18px 12px;
}
.page {
    font-size: 12px;
    font-weight: 600;
    color: var(--accent);
    text-decoration: none;
}
.page:hover {
    text-decoration: underline;
    text-underline-offset: 2px;
}
.connection-status .page {
    margin-inline-start: auto;
}
.head h2 {
    margin: 0;
    font-size: 17px;
    font-weight: 680;
    letter-spacing: -0.01em;
    flex: 1;
    white-space: nowrap;
    overflow: hidden;
    text-overflow: ellipsis;
}
.connection-status {
    display: flex;
    align-items: center;
    gap: 7px;
    margin: 0;
    padding-inline: 18px;
    font-size: 12px;
    color: var(--soft);
    min-height: 20px;
}
.connection-status::before {
    content: "";
    width: 7px;
    height: 7px;
    border-radius: 50%;
    background: var(--soft);
    flex: none;
}
.connection-status[data-state="live"]::before {
    background: var(--success);
}
.connection-status[data-state="connecting"]::before,
.connection-status[data-state="catching up"]::before {
    background: var(--warning);
    animation: pulse 1.1s infinite;
}
.connection-status[data-state="offline"]::before {
    background: var(--warning);
}
.connection-status[data-state="signed out"]::before {
    background: var(--error);
}
.tabs {
    display: flex;
    gap: 2px;
    padding: 8px 12px 0;
    border-block-end: 1px solid var(--line);
    overflow-x: auto;
    scrollbar-width: none;
    flex: none;
}
.tabs button {
    display: inline-flex;
    align-items: center;
    gap: 6px;
    padding: 7px 9px 9px;
    color: var(--soft);
    font-weight: 560;
    font-size: 13px;
    white-space: nowrap;
    border-block-end: 2px solid transparent;
    margin-block-end: -1px;
    border-radius: 7px 7px 0 0;
    transition: color var(--quick);
}
.tabs button:hover {
    color: var(--ink);
}
.tabs button:focus-visible {
    outline-offset: -2px;
}
.tabs button[aria-selected="true"] {
    color: var(--ink);
    border-color: var(--accent);
}
.tabs .count {
    padding: 1px 6px;
    border-radius: 8px;
    background: var(--raised);
    font-size: 11px;
    font-variant-numeric: tabular-nums;
}
.tabs [aria-selected="true"] .count {
    background: color-mix(in srgb, var(--accent) 15%, transparent);
}
.scroll {
    flex: 1;
    min-height: 0;
    overflow-y: auto;
    overscroll-behavior: contain;
    outline-offset: -2px;
    scrollbar-width: thin;
    scrollbar-color: var(--line) transparent;
}
.pill {
    position: absolute;
    inset-block-start: 118px;
    inset-inline: 0;
    margin-inline: auto;
    width: max-content;
    z-index: 2;
    box-shadow: 0 6px 18px -4px rgb(10 14 30 / 0.4);
    border-radius: 99px;
    animation: drop 160ms;
}
`;
