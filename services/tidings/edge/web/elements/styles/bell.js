// Bell: the button, its badge and the panel that opens below it.

export const BELL = `
:host(tidings-bell) {
    color: var(--tidings-bell, inherit);
}
.bell {
    position: relative;
    width: 40px;
    height: 40px;
    border-radius: 12px;
    display: grid;
    place-items: center;
    transition: background var(--quick);
}
.bell:hover,
.bell[aria-expanded="true"] {
    background: color-mix(in srgb, currentColor 9%, transparent);
}
.bell .icon {
    width: 22px;
    height: 22px;
    transform-origin: 50% 3px;
}
.bell.rings .icon {
    animation: ring 700ms ease-in-out;
}
.badge {
    position: absolute;
    inset-block-start: -3px;
    inset-inline-start: 23px;
    min-width: 18px;
    height: 18px;
    padding-inline: 5px;
    border-radius: 9px;
    background: var(--tidings-badge, #d92d3a);
    color: #fff;
    font:
        700 11px / 18px system-ui,
        sans-serif;
    font-variant-numeric: tabular-nums;
    text-align: center;
    box-shadow: 0 0 0 2px var(--tidings-around, var(--surface));
}
/* Two digits and more grow away from the bell: above it, no further than a page's padding. */
.badge.wide {
    inset-block-start: -9px;
    inset-inline: auto -9px;
    height: 16px;
    padding-inline: 4px;
    font-size: 10px;
    line-height: 16px;
}
.bell[data-state="offline"] .icon,
.bell[data-state="signed out"] .icon {
    opacity: 0.45;
}
.panel {
    position: fixed;
    inset: auto;
    margin: 0;
    padding: 0;
    border: 0;
    width: min(408px, calc(100vw - 16px));
    height: 620px;
    border-radius: var(--radius);
    background: var(--surface);
    color: var(--ink);
    box-shadow:
        0 0 0 1px var(--line),
        0 18px 50px -12px rgb(10 14 30 / 0.38);
    overflow: hidden;
}
.panel:popover-open {
    display: flex;
    animation: drop 160ms cubic-bezier(0.2, 0.8, 0.3, 1);
}
.panel tidings-inbox {
    flex: 1;
    min-width: 0;
    border-radius: 0;
    box-shadow: none;
}
`;
