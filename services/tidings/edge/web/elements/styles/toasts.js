// Toasts: the stack in the corner, and confetti.

export const TOASTS = `
:host(.toasts) {
    position: fixed;
    z-index: 2147483000;
    inset-block-end: 20px;
    inset-inline-end: 20px;
    width: min(372px, calc(100vw - 32px));
    display: grid;
    gap: 10px;
    pointer-events: none;
}
.stack {
    display: grid;
    gap: 10px;
}
.toast {
    pointer-events: auto;
    position: relative;
    display: grid;
    grid-template-columns: 36px minmax(0, 1fr) 28px;
    gap: 2px 12px;
    padding: 13px 12px 13px 14px;
    border-radius: var(--radius);
    background: var(--surface);
    box-shadow:
        0 0 0 1px var(--line),
        0 16px 40px -10px rgb(10 14 30 / 0.38);
    animation: rise 220ms cubic-bezier(0.2, 0.8, 0.3, 1);
}
.toast.leaving {
    opacity: 0;
    transform: translateY(6px);
    transition:
        opacity 160ms,
        transform 160ms;
}
.toast .tool {
    width: 28px;
    height: 28px;
}
.toast .name {
    font-weight: 650;
}
.toast .actions,
.toast .message {
    grid-column: 2 / span 2;
}
.rest {
    pointer-events: auto;
    justify-self: end;
    padding: 5px 12px;
    border-radius: 99px;
    background: var(--surface);
    box-shadow:
        0 0 0 1px var(--line),
        0 8px 20px -8px rgb(10 14 30 / 0.4);
    font-size: 12px;
    font-weight: 600;
}
.confetti {
    position: fixed;
    inset-block-end: 60px;
    inset-inline-end: 180px;
    width: 9px;
    height: 14px;
    border-radius: 2px;
    pointer-events: none;
}
`;
