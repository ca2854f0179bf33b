// Close codes: made from the contracts by `just generate`; do not edit.

export const PROTOCOL = 1;

/** From this code on, a client does not reconnect. */
export const FIRST_FINAL_CODE = 4500;

/** @type {Record<number, {needsToken?: true, isPlanned?: true}>} */
export const CLOSE_CODES = {
    4001: { needsToken: true },
    4002: { needsToken: true },
    4003: { needsToken: true },
    4100: { isPlanned: true },
    4101: { isPlanned: true },
    4102: {},
    4103: { isPlanned: true },
    4104: {},
    4105: {},
    4106: { isPlanned: true },
    4500: {},
};
