// Icons: drawn on a grid of 24 × 24, in the colour of the text around them.

/** @type {Record<string, string>} */
const PATHS = {
    bell: "M6 9a6 6 0 1 1 12 0c0 5 2 6.5 2 6.5H4S6 14 6 9ZM10 19.5a2.2 2.2 0 0 0 4 0",
    task:
        "M9 11.5l2.2 2.2L16 9" +
        "M5 4h14a1 1 0 0 1 1 1v14a1 1 0 0 1-1 1H5a1 1 0 0 1-1-1V5a1 1 0 0 1 1-1Z",
    message: "M4 5.5h16v10H9.5L5.5 19v-3.5H4Z",
    calendar: "M4.5 6.5h15v13h-15ZM4.5 10.5h15M8.5 4v4M15.5 4v4",
    warning: "M12 4.5 21 19.5H3ZM12 10v4.2M12 16.8v.2",
    trophy:
        "M8 4.5h8v5a4 4 0 0 1-8 0ZM8 6H4.8v1.5A3 3 0 0 0 8 10.4" +
        "M16 6h3.2v1.5a3 3 0 0 1-3.2 2.9M12 13.5V17M8.5 19.5h7L14.8 17H9.2Z",
    megaphone: "M4.5 10v4.5h3L16 19V5.5L7.5 10ZM19 9.5a4 4 0 0 1 0 5.5M8 14.5l1.2 5h2.3l-1-3.8",
    people:
        "M9 11.5a3 3 0 1 0 0-6 3 3 0 0 0 0 6ZM3.5 19c.3-3.3 2.5-5 5.5-5s5.2 1.700 5.500 5" +
        "M15.500 5.800a3 3 0 0 1 0 5.400M17 14.300c2 .6 3.300 2.200 3.500 4.700",
    clock: "M12 20a8 8 0 1 0 0-16 8 8 0 0 0 0 16ZM12 7.500V12l3 2",
    chart: "M4.500 19.500h15M7 16v-4M12 16V6M17 16v-6.500",
    wrench:
        "M14.500 6.500a4 4 0 0 1 5-1.200L17 7.800l.3 2 2 .3 2.400-2.300a4 4 0 0 1-5.400 4.500" +
        "L9 19.600a2.100 2.100 0 0 1-3-3l7.300-7.300a4 4 0 0 1 1.200-2.800Z",
    book:
        "M5 5.500c2.500-.8 5-.5 7 1 2-1.500 4.500-1.800 7-1v13" +
        "c-2.500-.8-5-.5-7 1-2-1.500-4.500-1.800-7-1ZM12 6.500v13",
    check: "M5 12.500l4.500 4.500L19 7.500",
    archive: "M4 5h16v4H4ZM5.500 9v10h13V9M10 12.500h4",
    unarchive: "M4 5h16v4H4ZM5.500 9v10h13V9M12 17v-5M9.500 14l2.500-2.500 2.500 2.500",
    trash:
        "M5 7h14M10 7V4.500h4V7M7 7l.8 12.500h8.400L17 7M10.500 10.500v5.500" +
        "M13.500 10.500v5.500",
    unread: "M12 16a4 4 0 1 0 0-8 4 4 0 0 0 0 8Z",
    settings:
        "M5 7.500h8M17 7.500h2M5 16.500h2M11 16.500h8M15 9.500a2 2 0 1 0 0-4 2 2 0 0 0 0 4Z" +
        "M9 18.500a2 2 0 1 0 0-4 2 2 0 0 0 0 4Z",
    close: "M6.500 6.500l11 11M17.500 6.500l-11 11",
    more:
        "M5 12a.7.7 0 1 0 1.400 0 .7.7 0 1 0-1.400 0" +
        "M11.300 12a.7.7 0 1 0 1.400 0 .7.7 0 1 0-1.400 0" +
        "M17.600 12a.7.7 0 1 0 1.400 0 .7.7 0 1 0-1.400 0",
    mute:
        "M6 9a6 6 0 0 1 10-4.400M18 9c0 5 2 6.500 2 6.500H8M4 15.500S6 14 6 9" +
        "M10 19.500a2.200 2.200 0 0 0 4 0M4 4l16 16",
    help:
        "M9.500 9.200a2.600 2.600 0 1 1 3.800 2.300c-.9.5-1.300 1-1.300 2M12 16.300v.2" +
        "M12 20a8 8 0 1 0 0-16 8 8 0 0 0 0 16Z",
    inbox:
        "M4 13.500 6.500 5h11L20 13.500v5.500H4Z" +
        "M4 13.500h4.500l1.200 2.500h4.600l1.200-2.500H20",
};

/** Which icon a type gets: that of the first pattern that fits. @type {[RegExp, string][]} */
const TYPE_ICONS = [
    [/achiev/, "trophy"],
    [/message|chat|room/, "message"],
    [/appointment|schedule/, "calendar"],
    [/incident|alert|issue|conflict/, "warning"],
    [/announce/, "megaphone"],
    [/training|course|certif/, "book"],
    [/performance|goal|trend/, "chart"],
    [/timelog|hours/, "clock"],
    [/work_order|equipment|technician|inventory/, "wrench"],
    [/team|member|staff/, "people"],
    [/task|project|milestone/, "task"],
];

/**
 * Create an icon; a bell if there is none of that name.
 * @param {string} name
 * @returns {SVGElement}
 */
export function createIcon(name) {
    const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
    const path = document.createElementNS(svg.namespaceURI, "path");
    svg.setAttribute("viewBox", "0 0 24 24");
    svg.setAttribute("aria-hidden", "true");
    svg.setAttribute("class", "icon");
    path.setAttribute("d", PATHS[name] ?? PATHS.bell);
    svg.append(path);
    return /** @type {SVGElement} */ (svg);
}

/**
 * Create the icon of a notification, by words in its type.
 * @param {{type: string}} notification
 */
export function iconFor({ type }) {
    return createIcon(TYPE_ICONS.find(([pattern]) => pattern.test(type))?.[1] ?? "bell");
}
