// Row: one notification; toasts use its parts, too.

export const ROW = `
article {
    position: relative;
    display: grid;
    grid-template-columns: 36px minmax(0, 1fr);
    gap: 2px 12px;
    padding-block: 13px 7px;
    padding-inline: 18px 14px;
    cursor: pointer;
    border-block-end: 1px solid var(--line);
    transition: background var(--quick);
}
article:hover {
    background: color-mix(in srgb, var(--raised) 60%, transparent);
}
article.unread {
    background: var(--fresh);
}
article.picked {
    box-shadow: inset 3px 0 0 var(--accent);
}
article:focus-visible {
    outline-offset: -3px;
    border-radius: 10px;
}
.sign {
    grid-row: 1 / span 4;
    width: 36px;
    height: 36px;
    border-radius: 11px;
    display: grid;
    place-items: center;
    color: var(--tone);
    background: color-mix(in srgb, var(--wash) 17%, transparent);
}
article,
.toast {
    --tone: var(--info);
    --wash: var(--info);
}
.success {
    --tone: var(--success);
    --wash: light-dark(#1fa971, var(--success));
}
.warning {
    --tone: var(--warning);
    --wash: light-dark(#f5a524, var(--warning));
}
.error {
    --tone: var(--error);
    --wash: light-dark(#e5484d, var(--error));
}
.first {
    display: flex;
    align-items: baseline;
    gap: 8px;
}
.name {
    flex: 1;
    min-width: 0;
    margin: 0;
    font-size: 14px;
    font-weight: 520;
    overflow-wrap: anywhere;
}
.unread .name {
    font-weight: 680;
}
.name a {
    text-decoration: none;
}
.name button {
    text-align: start;
}
.name a:hover,
.name button:hover {
    text-decoration: underline;
    text-underline-offset: 2px;
}
.dot {
    width: 8px;
    height: 8px;
    border-radius: 50%;
    background: var(--accent);
    flex: none;
    align-self: center;
}
.message {
    margin: 1px 0 0;
    color: var(--soft);
    overflow-wrap: anywhere;
    display: -webkit-box;
    -webkit-line-clamp: 3;
    -webkit-box-orient: vertical;
    overflow: hidden;
}
.meta {
    display: flex;
    align-items: center;
    gap: 4px 8px;
    margin-block-start: 1px;
    font-size: 12px;
    color: var(--soft);
    min-height: 30px;
}
.meta .facts {
    flex: 1;
    display: flex;
    flex-wrap: wrap;
    gap: 2px 8px;
    min-width: 0;
}
.mark {
    padding: 0 7px;
    border-radius: 7px;
    font-weight: 620;
    color: var(--tone);
    background: color-mix(in srgb, var(--wash) 17%, transparent);
}
.tools {
    display: flex;
    margin-block: -2px;
    opacity: 0.55;
    transition: opacity var(--quick);
}
article:hover .tools,
article:focus-within .tools,
article:focus .tools {
    opacity: 1;
}
.actions {
    display: flex;
    flex-wrap: wrap;
    gap: 8px;
    margin-block: 8px 3px;
}
.done {
    display: flex;
    align-items: center;
    gap: 6px;
    color: var(--success);
    font-weight: 600;
    font-size: 13px;
}
`;
