/** Every way in which a client's request can be refused, and every way in which we close. `proto/control.md` lists both. */

/** Codes are forever: append, never renumber. */
export const refusal = {
  notJson: 101,
  notAnObject: 102,
  unknownType: 103,
  badId: 104,
  badSymbols: 105,
  badChannels: 106,
  binaryNotExpected: 107,
  unknownSymbol: 111,
  ambiguousSymbol: 112,
  unknownChannel: 113,
  tooManySymbols: 121,
  tooManySubscriptions: 122,
  rateLimited: 123,
  notInV1: 131,
} as const;
export type RefusalCode = (typeof refusal)[keyof typeof refusal];

export interface Refusal {
  readonly code: RefusalCode;
  readonly error: string;
  readonly didYouMean?: readonly string[];
}

/** WebSocket close codes that we send. */
export const closeCode = {
  goingAway: 1001,
  tooBig: 1009,
  /** Could not keep up with its log streams: come back and resume. */
  tooSlow: 4008,
  tooManyMessages: 4029,
} as const;

/** The reason that goes with a close: JSON of at most 123 bytes. */
export function closeReason(code: number): string {
  return closeReasons[code] ?? '';
}

const closeReasons: Record<number, string> = {
  [closeCode.goingAway]: JSON.stringify({ code: 1001, error: 'the server is going away', resume: true }),
  [closeCode.tooBig]: JSON.stringify({ code: 1009, error: 'message too big', resume: false }),
  [closeCode.tooSlow]: JSON.stringify({ code: 4008, error: 'too slow for its log streams', resume: true }),
  [closeCode.tooManyMessages]: JSON.stringify({ code: 4029, error: 'too many messages', resume: false }),
};
