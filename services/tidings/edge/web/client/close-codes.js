// Close codes: made from the contracts by `just generate`; do not edit.

export const PROTOCOL = 1;

/** From this code on, a client does not reconnect. */
export const FIRST_FINAL_CODE = 4500;

/** @type {Record<number, {needsToken: boolean, isPlanned: boolean}>} */
export const CLOSE_CODES = {
    4001: { needsToken: true, isPlanned: false },
    4002: { needsToken: true, isPlanned: false },
    4003: { needsToken: true, isPlanned: false },
    4100: { needsToken: false, isPlanned: true },
    4101: { needsToken: false, isPlanned: true },
    4102: { needsToken: false, isPlanned: false },
    4103: { needsToken: false, isPlanned: true },
    4104: { needsToken: false, isPlanned: false },
    4105: { needsToken: false, isPlanned: false },
    4106: { needsToken: false, isPlanned: true },
    4500: { needsToken: false, isPlanned: false },
};
