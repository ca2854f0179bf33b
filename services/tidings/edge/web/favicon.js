// Favicon: the page's icon in its tab, with a dot on it while there is something new.

const SIDE_PIXELS = 64;
const RADIUS_PIXELS = 17;

export class Favicon {
    #plain = "";
    #dotted = false;

    /** @param {boolean} dotted @param {() => string} colour asked for only when a dot is drawn */
    async show(dotted, colour) {
        if (dotted === this.#dotted) return;
        const link = [.../** @type {NodeListOf<HTMLLinkElement>} */ (document.querySelectorAll('link[rel~="icon"]'))].at(-1); // which browsers take
        if (!link) return;
        this.#dotted = dotted;
        this.#plain ||= link.href;
        const address = dotted ? await drawn(this.#plain, colour()).catch(() => this.#plain) : this.#plain; // it may be another origin's
        if (dotted === this.#dotted) link.href = address;
    }
}

/**
 * An icon with a dot, as an address; raises an Error if it cannot be read.
 * @param {string} address
 * @param {string} colour
 */
async function drawn(address, colour) {
    const icon = Object.assign(new Image(), { crossOrigin: "anonymous", src: address });
    await icon.decode();
    const canvas = Object.assign(document.createElement("canvas"), { width: SIDE_PIXELS, height: SIDE_PIXELS });
    const pen = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d"));
    pen.drawImage(icon, 0, 0, SIDE_PIXELS, SIDE_PIXELS);
    pen.fillStyle = colour;
    pen.arc(SIDE_PIXELS - RADIUS_PIXELS, RADIUS_PIXELS, RADIUS_PIXELS, 0, 2 * Math.PI);
    pen.fill();
    return canvas.toDataURL();
}
