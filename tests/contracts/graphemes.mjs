// Prints where the grapheme clusters of each text begin, in code points, as the engine has them.
import { readFileSync } from "node:fs";

const segmenter = new Intl.Segmenter("en", { granularity: "grapheme" });
for (const text of JSON.parse(readFileSync(0, "utf8"))) {
    let place = 0;
    const places = [...segmenter.segment(text)].map(({ segment }) => {
        place += [...segment].length;
        return place;
    });
    console.log(JSON.stringify([0, ...places]));
}
