// Overlays: menus, placeholders and the undo bar of the inbox.

export const OVERLAYS = `
.menu {
    margin: 0;
    padding: 6px;
    border: 0;
    border-radius: 12px;
    inset: auto;
    position: fixed;
    min-width: 214px;
    max-width: 320px;
    background: var(--surface);
    color: var(--ink);
    box-shadow:
        0 0 0 1px var(--line),
        0 14px 40px -10px rgb(10 14 30 / 0.4);
    font-size: 13px;
}
.menu button,
.menu label {
    display: flex;
    align-items: center;
    justify-content: space-between;
    gap: 14px;
    width: 100%;
    padding: 8px 10px;
    border-radius: 8px;
    text-align: start;
}
.menu button:hover,
.menu label:hover {
    background: var(--raised);
}
.menu button span:last-child:not(:first-child),
.menu p {
    color: var(--soft);
}
.menu p {
    margin: 4px 10px;
    font-size: 12px;
}
.menu strong {
    display: block;
    color: var(--ink);
    font-weight: 620;
}
.menu[role="dialog"]:has(.deliveries) {
    width: min(320px, calc(100vw - 16px));
    padding: 12px 14px;
}
.menu .deliveries {
    display: grid;
    gap: 4px;
    margin: 4px 0 0;
    padding: 0;
    list-style: none;
    color: var(--soft);
    overflow-wrap: anywhere;
}
.menu:has(.deliveries) p {
    margin: 4px 0 12px;
    font-size: 13px;
}
.menu:focus {
    outline: none;
}
.menu input {
    accent-color: var(--accent);
    width: 16px;
    height: 16px;
    margin: 0;
}
.empty {
    display: grid;
    justify-items: center;
    gap: 4px;
    padding: 64px 28px;
    text-align: center;
    color: var(--soft);
}
.empty .sign {
    width: 56px;
    height: 56px;
    border-radius: 18px;
    margin-block-end: 10px;
    --tone: var(--accent);
    --wash: var(--accent);
}
.empty .plain {
    margin-block-start: 10px;
    color: var(--ink);
}
.empty .sign .icon {
    width: 26px;
    height: 26px;
}
.empty strong {
    color: var(--ink);
    font-size: 15px;
    font-weight: 640;
}
.skeleton {
    padding: 15px 18px;
    display: grid;
    grid-template-columns: 36px 1fr;
    gap: 8px 12px;
    border-block-end: 1px solid var(--line);
}
.skeleton i {
    height: 11px;
    border-radius: 6px;
    background: var(--raised);
    animation: pulse 1.3s infinite;
}
.skeleton i:first-child {
    grid-row: 1 / span 2;
    height: 36px;
    border-radius: 11px;
}
.skeleton i:nth-child(2) {
    width: 62%;
}
.skeleton i:nth-child(3) {
    width: 88%;
}
.wide {
    width: 100%;
}
.foot {
    display: grid;
    justify-items: center;
    padding: 16px;
    color: var(--soft);
    font-size: 12px;
}
.undo-bar {
    position: absolute;
    inset-block-end: 12px;
    inset-inline: 12px;
    display: flex;
    align-items: center;
    gap: 10px;
    padding: 9px 10px 9px 16px;
    padding-inline: 16px 10px;
    border-radius: 12px;
    background: light-dark(#20232c, #e9ebf2);
    color: light-dark(#fff, #17191f);
    box-shadow: 0 10px 30px -8px rgb(10 14 30 / 0.5);
    animation: rise 180ms cubic-bezier(0.2, 0.8, 0.3, 1);
}
.undo-bar span {
    flex: 1;
    overflow-wrap: anywhere;
}
.undo-bar button {
    padding: 5px 11px;
    border-radius: 8px;
    font-weight: 650;
    background: color-mix(in srgb, currentColor 16%, transparent);
}
`;
