// Celebration: a handful of confetti for an achievement; none for whoever prefers less motion.

import { make } from "./dom.js";

const PIECES = 36;
const COLOURS = ["#3a5bd9", "#1fa971", "#f0a202", "#d9376e", "#7c4dff"];

/** @param {ShadowRoot} root */
export function celebrate(root) {
    if (matchMedia("(prefers-reduced-motion: reduce)").matches) return;
    for (let number = 0; number < PIECES; number += 1) fly(root, COLOURS[number % COLOURS.length]);
}

/** @param {ShadowRoot} root @param {string} colour */
function fly(root, colour) {
    const piece = make("i", { class: "confetti", "aria-hidden": "true" });
    piece.style.background = colour;
    root.append(piece);
    const angle = Math.random() * Math.PI - Math.PI;
    const [x, y] = [Math.cos(angle) * (80 + Math.random() * 170), Math.sin(angle) * (90 + Math.random() * 190)];
    const turn = `${Math.random() * 900 - 450}deg`;
    const frames = [
        { transform: "none", opacity: 1 },
        { transform: `translate(${x}px, ${y}px) rotate(${turn})`, opacity: 1, offset: 0.45, easing: "ease-in" },
        { transform: `translate(${x * 1.2}px, ${y + 320}px) rotate(calc(${turn} * 2))`, opacity: 0 },
    ];
    piece.animate(frames, { duration: 1500 + Math.random() * 700, easing: "cubic-bezier(.15,.7,.3,1)" }).finished.then(() => piece.remove());
}
