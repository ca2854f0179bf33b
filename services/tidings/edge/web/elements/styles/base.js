// Base: colours, controls and what all elements share.

export const BASE = `
/* Pages set colours by --tidings-…; the short names are used within. */
:host {
    --accent: var(--tidings-accent, light-dark(#3a5bd9, #8ea6ff));
    --on-accent: var(--tidings-on-accent, light-dark(#fff, #10162e));
    --surface: var(--tidings-surface, light-dark(#fff, #17191f));
    --raised: var(--tidings-raised, light-dark(#f5f6f9, #1f222a));
    --ink: var(--tidings-ink, light-dark(#1b1e27, #eceef4));
    --soft: var(--tidings-soft, light-dark(#5a6172, #a2a9ba));
    --line: var(--tidings-line, light-dark(#e4e7ee, #2c303b));
    --fresh: var(--tidings-fresh, light-dark(#f1f4ff, #1d2233));
    --info: var(--tidings-info, light-dark(#3a5bd9, #8ea6ff));
    --success: var(--tidings-success, light-dark(#1a7f4b, #5fd39a));
    --warning: var(--tidings-warning, light-dark(#854d00, #f0b352));
    --error: var(--tidings-error, light-dark(#c0322b, #ff8a80));
    --radius: var(--tidings-radius, 14px);
    --font: var(--tidings-font, inherit);
    --quick: 140ms cubic-bezier(0.2, 0.7, 0.3, 1);
    font:
        400 14px / 1.45 system-ui,
        sans-serif;
    font-family: var(--font);
    color: var(--ink);
    -webkit-font-smoothing: antialiased;
}
:host([theme="light"]) {
    color-scheme: light;
}
:host([theme="dark"]) {
    color-scheme: dark;
}
:host([theme="auto"]) {
    color-scheme: light dark;
}
:host([hidden]),
[hidden] {
    display: none !important;
}
*,
*::before,
*::after {
    box-sizing: border-box;
}
button,
a,
input {
    font: inherit;
    color: inherit;
}
button {
    cursor: pointer;
    border: 0;
    background: none;
    padding: 0;
    touch-action: manipulation;
}
:focus {
    outline: none;
}
:focus-visible {
    outline: 2px solid var(--accent);
    outline-offset: 2px;
}
.icon {
    width: 18px;
    height: 18px;
    display: block;
    fill: none;
    stroke: currentColor;
    stroke-width: 1.7;
    stroke-linecap: round;
    stroke-linejoin: round;
    flex: none;
}
.visually-hidden {
    position: absolute;
    width: 1px;
    height: 1px;
    overflow: hidden;
    clip-path: inset(50%);
    white-space: nowrap;
}
.tool {
    width: 30px;
    height: 30px;
    border-radius: 9px;
    display: grid;
    place-items: center;
    color: var(--soft);
    transition:
        background var(--quick),
        color var(--quick);
}
.tool:hover,
.tool[aria-expanded="true"] {
    background: var(--raised);
    color: var(--ink);
}
.primary,
.plain {
    min-height: 30px;
    padding: 4px 13px;
    border-radius: 9px;
    font-weight: 600;
    font-size: 13px;
    transition:
        background var(--quick),
        filter var(--quick);
}
.primary {
    background: var(--accent);
    color: var(--on-accent);
}
.primary:hover {
    filter: brightness(1.08);
}
.plain {
    box-shadow: inset 0 0 0 1px var(--line);
    background: var(--surface);
}
.plain:hover {
    background: var(--raised);
}
button:disabled {
    opacity: 0.55;
    cursor: default;
}
`;
