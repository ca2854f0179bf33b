// Celebration: confetti for an achievement; none for people who prefer reduced motion.

import { createNode } from "./dom.js";

const PIECES = 36;
const COLOURS = ["#3a5bd9", "#1fa971", "#f0a202", "#d9376e", "#7c4dff"];

/** @param {ShadowRoot} root */
export function showConfetti(root) {
    if (matchMedia("(prefers-reduced-motion: reduce)").matches) return;
    for (let number = 0; number < PIECES; number += 1)
        throwPiece(root, COLOURS[number % COLOURS.length]);
}

/** @param {ShadowRoot} root @param {string} colour */
function throwPiece(root, colour) {
    const piece = createNode("i", { class: "confetti", "aria-hidden": "true" });
    piece.style.background = colour;
    root.append(piece);
    const options = {
        duration: 1500 + Math.random() * 700,
        easing: "cubic-bezier(.15,.7,.3,1)",
    };
    piece.animate(flightFrames(), options).finished.then(() => piece.remove());
}

/** Return a flight upwards at a random angle, then down. @returns {Keyframe[]} */
function flightFrames() {
    const angle = Math.random() * Math.PI - Math.PI;
    const x = Math.cos(angle) * (80 + Math.random() * 170);
    const y = Math.sin(angle) * (90 + Math.random() * 190);
    const turn = `${Math.random() * 900 - 450}deg`;
    const top = `translate(${x}px, ${y}px) rotate(${turn})`;
    const bottom = `translate(${x * 1.2}px, ${y + 320}px) rotate(calc(${turn} * 2))`;
    return [
        { transform: "none", opacity: 1 },
        { transform: top, opacity: 1, offset: 0.45, easing: "ease-in" },
        { transform: bottom, opacity: 0 },
    ];
}
