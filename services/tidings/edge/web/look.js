// Look: the one style sheet of all elements; a page changes it by variables (`--tidings-…`) and parts (`::part(…)`).

const CSS = `
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
    --quick: 140ms cubic-bezier(.2, .7, .3, 1);
    font: 400 14px/1.45 system-ui, sans-serif;
    font-family: var(--font);
    color: var(--ink);
    -webkit-font-smoothing: antialiased;
}
:host([theme="light"]) { color-scheme: light; }
:host([theme="dark"]) { color-scheme: dark; }
:host([theme="auto"]) { color-scheme: light dark; }
:host([hidden]), [hidden] { display: none !important; }
*, *::before, *::after { box-sizing: border-box; }
button, a, input { font: inherit; color: inherit; }
button { cursor: pointer; border: 0; background: none; padding: 0; touch-action: manipulation; }
:focus { outline: none; }
:focus-visible { outline: 2px solid var(--accent); outline-offset: 2px; }
.icon { width: 18px; height: 18px; display: block; fill: none; stroke: currentColor; stroke-width: 1.7; stroke-linecap: round; stroke-linejoin: round; flex: none; }
.unseen { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); white-space: nowrap; }
.tool { width: 30px; height: 30px; border-radius: 9px; display: grid; place-items: center; color: var(--soft); transition: background var(--quick), color var(--quick); }
.tool:hover, .tool[aria-expanded="true"] { background: var(--raised); color: var(--ink); }
.primary, .plain { min-height: 30px; padding: 4px 13px; border-radius: 9px; font-weight: 600; font-size: 13px; transition: background var(--quick), filter var(--quick); }
.primary { background: var(--accent); color: var(--on-accent); }
.primary:hover { filter: brightness(1.08); }
.plain { box-shadow: inset 0 0 0 1px var(--line); background: var(--surface); }
.plain:hover { background: var(--raised); }
button:disabled { opacity: .55; cursor: default; }

.bell { position: relative; width: 40px; height: 40px; border-radius: 12px; display: grid; place-items: center; transition: background var(--quick); }
.bell:hover, .bell[aria-expanded="true"] { background: color-mix(in srgb, currentColor 9%, transparent); }
.bell .icon { width: 22px; height: 22px; transform-origin: 50% 3px; }
.bell.rings .icon { animation: ring 700ms ease-in-out; }
.badge { position: absolute; inset-block-start: 0; inset-inline-end: -3px; min-width: 18px; height: 18px; padding-inline: 5px; border-radius: 9px; background: var(--tidings-badge, #d92d3a); color: #fff; font: 700 11px/18px system-ui, sans-serif; font-variant-numeric: tabular-nums; text-align: center; box-shadow: 0 0 0 2px var(--tidings-around, var(--surface)); }
.bell[data-state="offline"] .icon, .bell[data-state="signed out"] .icon { opacity: .45; }
.panel { position: fixed; inset: auto; margin: 0; padding: 0; border: 0; width: min(408px, calc(100vw - 16px)); height: 620px; border-radius: var(--radius); background: var(--surface); color: var(--ink); box-shadow: 0 0 0 1px var(--line), 0 18px 50px -12px rgb(10 14 30 / .38); overflow: hidden; }
.panel:popover-open { display: flex; animation: drop 160ms cubic-bezier(.2, .8, .3, 1); }
.panel tidings-inbox { flex: 1; min-width: 0; border-radius: 0; box-shadow: none; }

:host(.inbox) { display: flex; flex-direction: column; min-height: 0; position: relative; background: var(--surface); border-radius: var(--radius); overflow: hidden; container-type: inline-size; }
.head { display: flex; align-items: center; gap: 6px; padding: 14px 12px 6px 18px; padding-inline: 18px 12px; }
.page { font-size: 12px; font-weight: 600; color: var(--accent); text-decoration: none; }
.page:hover { text-decoration: underline; text-underline-offset: 2px; }
.link .page { margin-inline-start: auto; }
.head h2 { margin: 0; font-size: 17px; font-weight: 680; letter-spacing: -.01em; flex: 1; white-space: nowrap; overflow: hidden; text-overflow: ellipsis; }
.link { display: flex; align-items: center; gap: 7px; margin: 0; padding-inline: 18px; font-size: 12px; color: var(--soft); min-height: 20px; }
.link::before { content: ""; width: 7px; height: 7px; border-radius: 50%; background: var(--soft); flex: none; }
.link[data-state="live"]::before { background: var(--success); }
.link[data-state="connecting"]::before, .link[data-state="catching up"]::before { background: var(--warning); animation: pulse 1.1s infinite; }
.link[data-state="offline"]::before { background: var(--warning); }
.link[data-state="signed out"]::before { background: var(--error); }
.tabs { display: flex; gap: 2px; padding: 8px 12px 0; border-block-end: 1px solid var(--line); overflow-x: auto; scrollbar-width: none; flex: none; }
.tabs button { display: inline-flex; align-items: center; gap: 6px; padding: 7px 9px 9px; color: var(--soft); font-weight: 560; font-size: 13px; white-space: nowrap; border-block-end: 2px solid transparent; margin-block-end: -1px; border-radius: 7px 7px 0 0; transition: color var(--quick); }
.tabs button:hover { color: var(--ink); }
.tabs button:focus-visible { outline-offset: -2px; }
.tabs button[aria-selected="true"] { color: var(--ink); border-color: var(--accent); }
.tabs .count { padding: 1px 6px; border-radius: 8px; background: var(--raised); font-size: 11px; font-variant-numeric: tabular-nums; }
.tabs [aria-selected="true"] .count { background: color-mix(in srgb, var(--accent) 15%, transparent); }
.scroll { flex: 1; min-height: 0; overflow-y: auto; overscroll-behavior: contain; outline-offset: -2px; scrollbar-width: thin; scrollbar-color: var(--line) transparent; }
.pill { position: absolute; inset-block-start: 118px; inset-inline: 0; margin-inline: auto; width: max-content; z-index: 2; box-shadow: 0 6px 18px -4px rgb(10 14 30 / .4); border-radius: 99px; animation: drop 160ms; }

article { position: relative; display: grid; grid-template-columns: 36px minmax(0, 1fr); gap: 2px 12px; padding-block: 13px 7px; padding-inline: 18px 14px; cursor: pointer; border-block-end: 1px solid var(--line); transition: background var(--quick); }
article:hover { background: color-mix(in srgb, var(--raised) 60%, transparent); }
article.unread { background: var(--fresh); }
article.picked { box-shadow: inset 3px 0 0 var(--accent); }
article:focus-visible { outline-offset: -3px; border-radius: 10px; }
.sign { grid-row: 1 / span 4; width: 36px; height: 36px; border-radius: 11px; display: grid; place-items: center; color: var(--tone); background: color-mix(in srgb, var(--wash) 17%, transparent); }
article, .toast { --tone: var(--info); --wash: var(--info); }
.success { --tone: var(--success); --wash: light-dark(#1fa971, var(--success)); }
.warning { --tone: var(--warning); --wash: light-dark(#f5a524, var(--warning)); }
.error { --tone: var(--error); --wash: light-dark(#e5484d, var(--error)); }
.first { display: flex; align-items: baseline; gap: 8px; }
.name { flex: 1; min-width: 0; margin: 0; font-size: 14px; font-weight: 520; overflow-wrap: anywhere; }
.unread .name { font-weight: 680; }
.name a { text-decoration: none; }
.name button { text-align: start; }
.name a:hover, .name button:hover { text-decoration: underline; text-underline-offset: 2px; }
.dot { width: 8px; height: 8px; border-radius: 50%; background: var(--accent); flex: none; align-self: center; }
.words { margin: 1px 0 0; color: var(--soft); overflow-wrap: anywhere; display: -webkit-box; -webkit-line-clamp: 3; -webkit-box-orient: vertical; overflow: hidden; }
.meta { display: flex; align-items: center; gap: 4px 8px; margin-block-start: 1px; font-size: 12px; color: var(--soft); min-height: 30px; }
.meta .facts { flex: 1; display: flex; flex-wrap: wrap; gap: 2px 8px; min-width: 0; }
.mark { padding: 0 7px; border-radius: 7px; font-weight: 620; color: var(--tone); background: color-mix(in srgb, var(--wash) 17%, transparent); }
.tools { display: flex; margin-block: -2px; opacity: .55; transition: opacity var(--quick); }
article:hover .tools, article:focus-within .tools, article:focus .tools { opacity: 1; }
.actions { display: flex; flex-wrap: wrap; gap: 8px; margin-block: 8px 3px; }
.done { display: flex; align-items: center; gap: 6px; color: var(--success); font-weight: 600; font-size: 13px; }
.menu { margin: 0; padding: 6px; border: 0; border-radius: 12px; inset: auto; position: fixed; min-width: 214px; max-width: 320px; background: var(--surface); color: var(--ink); box-shadow: 0 0 0 1px var(--line), 0 14px 40px -10px rgb(10 14 30 / .4); font-size: 13px; }
.menu button, .menu label { display: flex; align-items: center; justify-content: space-between; gap: 14px; width: 100%; padding: 8px 10px; border-radius: 8px; text-align: start; }
.menu button:hover, .menu label:hover { background: var(--raised); }
.menu button span:last-child:not(:first-child), .menu p { color: var(--soft); }
.menu p { margin: 4px 10px; font-size: 12px; }
.menu strong { display: block; color: var(--ink); font-weight: 620; }
.menu input { accent-color: var(--accent); width: 16px; height: 16px; margin: 0; }
.empty { display: grid; justify-items: center; gap: 4px; padding: 64px 28px; text-align: center; color: var(--soft); }
.empty .sign { width: 56px; height: 56px; border-radius: 18px; margin-block-end: 10px; --tone: var(--accent); --wash: var(--accent); }
.empty .plain { margin-block-start: 10px; color: var(--ink); }
.empty .sign .icon { width: 26px; height: 26px; }
.empty strong { color: var(--ink); font-size: 15px; font-weight: 640; }
.bones { padding: 15px 18px; display: grid; grid-template-columns: 36px 1fr; gap: 8px 12px; border-block-end: 1px solid var(--line); }
.bones i { height: 11px; border-radius: 6px; background: var(--raised); animation: pulse 1.3s infinite; }
.bones i:first-child { grid-row: 1 / span 2; height: 36px; border-radius: 11px; }
.bones i:nth-child(2) { width: 62%; } .bones i:nth-child(3) { width: 88%; }
.wide { width: 100%; }
.foot { display: grid; justify-items: center; padding: 16px; color: var(--soft); font-size: 12px; }
.bar { position: absolute; inset-block-end: 12px; inset-inline: 12px; display: flex; align-items: center; gap: 10px; padding: 9px 10px 9px 16px; padding-inline: 16px 10px; border-radius: 12px; background: light-dark(#20232c, #e9ebf2); color: light-dark(#fff, #17191f); box-shadow: 0 10px 30px -8px rgb(10 14 30 / .5); animation: rise 180ms cubic-bezier(.2, .8, .3, 1); }
.bar span { flex: 1; overflow-wrap: anywhere; }
.bar button { padding: 5px 11px; border-radius: 8px; font-weight: 650; background: color-mix(in srgb, currentColor 16%, transparent); }

:host(.toasts) { position: fixed; z-index: 2147483000; inset-block-end: 20px; inset-inline-end: 20px; width: min(372px, calc(100vw - 32px)); display: grid; gap: 10px; pointer-events: none; }
.toast { pointer-events: auto; position: relative; display: grid; grid-template-columns: 36px minmax(0, 1fr) 28px; gap: 2px 12px; padding: 13px 12px 13px 14px; border-radius: var(--radius); background: var(--surface); box-shadow: 0 0 0 1px var(--line), 0 16px 40px -10px rgb(10 14 30 / .38); animation: rise 220ms cubic-bezier(.2, .8, .3, 1); }
.toast.leaving { opacity: 0; transform: translateY(6px); transition: opacity 160ms, transform 160ms; }
.toast .tool { width: 28px; height: 28px; }
.toast .name { font-weight: 650; }
.toast .actions, .toast .words { grid-column: 2 / span 2; }
.rest { pointer-events: auto; justify-self: end; padding: 5px 12px; border-radius: 99px; background: var(--surface); box-shadow: 0 0 0 1px var(--line), 0 8px 20px -8px rgb(10 14 30 / .4); font-size: 12px; font-weight: 600; }
.confetti { position: fixed; inset-block-end: 60px; inset-inline-end: 180px; width: 9px; height: 14px; border-radius: 2px; pointer-events: none; }

@keyframes drop { from { opacity: 0; transform: translateY(-6px) scale(.985); } }
@keyframes rise { from { opacity: 0; transform: translateY(10px); } }
@keyframes pulse { 50% { opacity: .45; } }
@keyframes ring { 20% { rotate: 14deg; } 45% { rotate: -11deg; } 70% { rotate: 6deg; } }
@container (max-width: 410px) { .tabs { gap: 0; padding-inline: 6px; } .tabs button { gap: 4px; padding-inline: 4px; font-size: 12px; } .tabs .count { padding-inline: 4px; } }
@media (max-width: 520px) {
    .panel { inset: 0 !important; width: 100vw; height: 100dvh !important; max-width: none; max-height: none; border-radius: 0; }
    :host(.toasts) { inset-inline: 16px; width: auto; inset-block-end: 16px; }
}
@media (hover: none) { .tools { opacity: 1; } }
@media (prefers-reduced-motion: reduce) { *, *::before, *::after { animation: none !important; transition: none !important; } }
@media (forced-colors: active) { .dot, .badge, .link::before { forced-color-adjust: none; } article.unread { outline: 1px solid; outline-offset: -4px; } }
`;

/** @type {CSSStyleSheet | null} */
let sheet = null;

/** The style sheet, made once for all elements. */
export function look() {
    if (!sheet) {
        sheet = new CSSStyleSheet();
        sheet.replaceSync(CSS);
    }
    return sheet;
}
