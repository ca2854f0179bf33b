// Favicon: the page's icon in its tab, with a dot on it while there is something new.

const SIZE_PIXELS = 64;
const RADIUS_PIXELS = 17;

export class Favicon {
    /** The icon without a dot. */ #plainAddress = "";
    #hasDot = false;

    /**
     * Show or remove the dot.
     * @param {boolean} hasDot
     * @param {() => string} getColour called only when a dot is drawn: it costs a style calculation
     */
    async setDot(hasDot, getColour) {
        if (hasDot === this.#hasDot) return;
        const links = document.querySelectorAll('link[rel~="icon"]');
        const link = /** @type {HTMLLinkElement | undefined} */ ([...links].at(-1));
        if (!link) return; // of several, browsers use the last one
        this.#hasDot = hasDot;
        this.#plainAddress ||= link.href;
        const address = hasDot ? await this.#dottedAddress(getColour()) : this.#plainAddress;
        if (hasDot === this.#hasDot) link.href = address;
    }

    /** @param {string} colour */
    #dottedAddress(colour) {
        // An icon of another origin may be shown, but not be read.
        return drawDot(this.#plainAddress, colour).catch(() => this.#plainAddress);
    }
}

/**
 * Draw a dot on an icon; raises Error if it cannot be read.
 * @param {string} address
 * @param {string} colour
 * @returns {Promise<string>} the icon as a `data:` address
 */
async function drawDot(address, colour) {
    const icon = Object.assign(new Image(), { crossOrigin: "anonymous", src: address });
    await icon.decode();
    const canvas = document.createElement("canvas");
    Object.assign(canvas, { width: SIZE_PIXELS, height: SIZE_PIXELS });
    const context = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d"));
    context.drawImage(icon, 0, 0, SIZE_PIXELS, SIZE_PIXELS);
    context.fillStyle = colour;
    context.arc(SIZE_PIXELS - RADIUS_PIXELS, RADIUS_PIXELS, RADIUS_PIXELS, 0, 2 * Math.PI);
    context.fill();
    return canvas.toDataURL();
}
