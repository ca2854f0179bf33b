// Adaptations: animations, narrow places, and what people prefer.

export const ADAPTATIONS = `
@keyframes drop {
    from {
        opacity: 0;
        transform: translateY(-6px) scale(0.985);
    }
}
@keyframes rise {
    from {
        opacity: 0;
        transform: translateY(10px);
    }
}
@keyframes pulse {
    50% {
        opacity: 0.45;
    }
}
@keyframes ring {
    20% {
        rotate: 14deg;
    }
    45% {
        rotate: -11deg;
    }
    70% {
        rotate: 6deg;
    }
}
/* A list in a narrow place, such as the panel on a small screen. */
@container (max-width: 410px) {
    .tabs {
        gap: 0;
        padding-inline: 6px;
    }
    .tabs button {
        gap: 4px;
        padding-inline: 4px;
        font-size: 12px;
    }
    .tabs .count {
        padding-inline: 4px;
    }
}
/* On a phone the panel takes the whole screen. */
@media (max-width: 520px) {
    .panel {
        inset: 0 !important;
        width: 100vw;
        height: 100dvh !important;
        max-width: none;
        max-height: none;
        border-radius: 0;
    }
    :host(.toasts) {
        inset-inline: 16px;
        width: auto;
        inset-block-end: 16px;
    }
}
/* Touch screens have no hover that would show the tools. */
@media (hover: none) {
    .tools {
        opacity: 1;
    }
}
@media (prefers-reduced-motion: reduce) {
    *,
    *::before,
    *::after {
        animation: none !important;
        transition: none !important;
    }
}
@media (forced-colors: active) {
    .dot,
    .badge,
    .connection-status::before {
        forced-color-adjust: none;
    }
    article.unread {
        outline: 1px solid;
        outline-offset: -4px;
    }
}
`;
