// Preferences: the sections, the table of choices, fields and lists.

export const PREFERENCES = `
:host(.preferences) {
    display: block;
    background: var(--surface);
    border-radius: var(--radius);
    container-type: inline-size;
    overflow-wrap: break-word;
}
:host(.preferences) header {
    padding: 18px 20px 4px;
}
:host(.preferences) :is(h2, h3, h4, p) {
    margin: 0;
}
:host(.preferences) h2 {
    font-size: 19px;
    font-weight: 680;
    letter-spacing: -0.01em;
}
:host(.preferences) h3 {
    font-size: 15px;
    font-weight: 660;
}
:host(.preferences) h4 {
    font-size: 13px;
    font-weight: 640;
    margin-block-start: 4px;
}
:host(.preferences) .note {
    color: var(--soft);
    font-size: 13px;
}
:host(.preferences) section {
    display: grid;
    grid-template-columns: minmax(0, 1fr);
    justify-items: start;
    gap: 10px;
    padding: 18px 20px;
    border-block-start: 1px solid var(--line);
}
:host(.preferences) section:first-child {
    border-block-start: 0;
}
:host(.preferences) section > * {
    max-inline-size: 100%;
}
:host(.preferences) section.paused > p {
    padding: 7px 12px;
    border-radius: 9px;
    background: color-mix(in srgb, var(--warning) 14%, transparent);
}
.buttons,
.copying,
.line {
    display: flex;
    flex-wrap: wrap;
    align-items: end;
    gap: 8px 10px;
}
.field {
    display: grid;
    grid-template-columns: minmax(0, 1fr);
    gap: 3px;
    min-width: 0;
    font-size: 12px;
    color: var(--soft);
}
:host(.preferences) :is(select, input:not([type="checkbox"])) {
    font: inherit;
    font-size: 14px;
    color: var(--ink);
    background: var(--surface);
    min-height: 34px;
    max-width: 100%;
    padding: 4px 9px;
    border: 1px solid color-mix(in srgb, var(--soft) 55%, transparent);
    border-radius: 9px;
}
:host(.preferences) :is(select, input):focus-visible {
    outline-offset: 1px;
}
:host(.preferences) input[type="checkbox"] {
    accent-color: var(--accent);
}
:host(.preferences) input[aria-invalid] {
    border-color: var(--error);
}
.fault {
    color: var(--error);
    font-size: 13px;
}
:host(.preferences) section > div:has(> table) {
    width: 100%;
}
:host(.preferences) table {
    width: 100%;
    border-collapse: collapse;
    table-layout: fixed;
}
:host(.preferences) th {
    text-align: start;
    font-weight: 560;
}
:host(.preferences) thead th {
    padding: 4px 8px 8px 0;
    padding-inline: 0 8px;
    font-size: 12px;
    color: var(--soft);
}
:host(.preferences) tbody tr {
    border-block-start: 1px solid var(--line);
}
:host(.preferences) tbody :is(th, td) {
    padding-block: 9px;
    padding-inline: 0 10px;
    vertical-align: top;
}
:host(.preferences) tbody th {
    padding-block-start: 15px;
}
td .channel {
    display: none;
}
.choice {
    display: grid;
    justify-items: start;
    gap: 2px;
    min-width: 0;
}
.choice select {
    width: 100%;
}
.fixed {
    display: flex;
    align-items: center;
    min-height: 34px;
    font-size: 14px;
}
.why {
    display: inline-flex;
    align-items: center;
    gap: 3px;
    min-height: 24px;
    padding-inline: 2px;
    border-radius: 6px;
    font-size: 12px;
    color: var(--soft);
    text-align: start;
}
.why:hover {
    color: var(--ink);
    text-decoration: underline;
    text-underline-offset: 2px;
}
.why .icon {
    width: 14px;
    height: 14px;
}
.own .why {
    color: var(--accent);
}
:host(.preferences) .menu {
    padding: 12px;
    width: min(320px, calc(100vw - 16px));
}
:host(.preferences) .menu p {
    margin: 0;
    color: var(--ink);
    font-size: 13px;
}
:host(.preferences) .menu .plain {
    width: auto;
    margin-block-start: 10px;
    padding: 4px 13px;
}
.windows {
    display: grid;
    gap: 12px;
    width: 100%;
}
:host(.preferences) fieldset {
    display: grid;
    gap: 10px;
    min-width: 0;
    margin: 0;
    padding: 10px 14px 14px;
    border: 1px solid var(--line);
    border-radius: 11px;
}
:host(.preferences) legend {
    padding-inline: 4px;
    font-weight: 600;
    font-size: 13px;
}
.days {
    display: flex;
    flex-wrap: wrap;
    gap: 6px;
}
.day {
    display: inline-flex;
    align-items: center;
    gap: 6px;
    min-height: 30px;
    padding-inline: 8px 10px;
    border-radius: 9px;
    background: var(--raised);
    font-size: 13px;
}
.day input {
    margin: 0;
}
.copying {
    align-items: center;
    gap: 6px;
    font-size: 12px;
    color: var(--soft);
}
.copying .plain {
    min-height: 26px;
    padding: 2px 9px;
    font-size: 12px;
    color: var(--ink);
}
.line > .note {
    padding-block-end: 8px;
}
.list {
    display: grid;
    width: 100%;
    margin: 0;
    padding: 0;
    list-style: none;
}
.list:empty {
    display: none;
}
.list li {
    display: flex;
    flex-wrap: wrap;
    align-items: center;
    gap: 6px 10px;
    padding-block: 9px;
    border-block-end: 1px solid var(--line);
}
.list .what {
    flex: 1 1 180px;
    min-width: 0;
    overflow-wrap: anywhere;
}
.list strong {
    font-weight: 600;
}
.state {
    display: block;
    font-size: 13px;
    color: var(--soft);
}
.state[data-state="confirmed"] {
    color: var(--success);
}
.state[data-state="waiting"] {
    color: var(--warning);
}
.state[data-state="stopped"] {
    color: var(--error);
}
.said {
    position: sticky;
    inset-block-end: 0;
    padding: 9px 20px;
    border-block-start: 1px solid var(--line);
    border-end-start-radius: var(--radius);
    border-end-end-radius: var(--radius);
    background: var(--raised);
    font-size: 13px;
    z-index: 1;
}
.said:empty {
    padding: 0;
    border: 0;
}
.said.error {
    color: var(--error);
    font-weight: 560;
}
.placeholder {
    display: grid;
    justify-items: start;
    gap: 12px;
    padding: 18px 20px 26px;
}
.placeholder i {
    width: 100%;
    height: 34px;
    border-radius: 9px;
    background: var(--raised);
    animation: pulse 1.3s infinite;
}
/* In a narrow place each row is a block with a line for each channel. */
@container (max-width: 560px) {
    :host(.preferences) :is(table, tbody, tr),
    :host(.preferences) tbody th {
        display: block;
    }
    :host(.preferences) thead {
        position: absolute;
        clip-path: inset(50%);
        width: 1px;
        height: 1px;
        overflow: hidden;
    }
    :host(.preferences) tbody tr {
        padding-block: 10px;
    }
    :host(.preferences) tbody :is(th, td) {
        padding: 3px 0;
    }
    :host(.preferences) td {
        display: grid;
        grid-template-columns: minmax(58px, 2fr) minmax(0, 9fr);
        gap: 0 10px;
        align-items: start;
    }
    td .channel {
        display: block;
        padding-block-start: 7px;
        font-size: 13px;
        color: var(--soft);
    }
    :host(.preferences) :is(header, section) {
        padding-inline: 14px;
    }
    .said {
        padding-inline: 14px;
    }
}
/* In a very narrow one, the list of choices has a line of its own. */
@container (max-width: 400px) {
    :host(.preferences) td {
        grid-template-columns: minmax(0, 1fr) auto;
        align-items: center;
    }
    td .channel {
        padding-block-start: 0;
    }
    td .choice {
        display: contents;
    }
    td .why {
        grid-area: 1 / 2;
        max-width: 190px;
        text-align: end;
    }
    td :is(select, .fixed) {
        grid-area: 2 / 1 / 3 / 3;
    }
}
`;
