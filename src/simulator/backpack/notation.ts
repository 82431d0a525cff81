/** How this venue writes its messages. */

/** Whether ids go out as numbers, as the official client reads them, or as strings, as the documents have it. */
export type IdsAs = 'number' | 'string' | 'alternate';
/** What `t` and `T` of a kline are: documents and clients disagree. */
export type KlineTimesAs = 'iso' | 'seconds' | 'milliseconds' | 'microseconds';

export interface BackpackOptions {
  /** Default `number`, as recorded. */
  readonly ids?: IdsAs;
  /** Default `iso`, as documented. */
  readonly klineTimes?: KlineTimesAs;
  /** By how many updates of the book GET /depth lies behind the stream; default 0. */
  readonly depthLag?: number;
}

/** A field and its value, already JSON. */
export type Field = readonly [key: string, json: string];

/** `{"data":{…},"stream":…}` with the keys of the data in the order of the alphabet, as recorded. */
export function frame(stream: string, fields: readonly Field[]): string {
  const sorted = fields.toSorted(([left], [right]) => (left < right ? -1 : 1));
  return `{"data":{${sorted.map(([key, json]) => `"${key}":${json}`).join(',')}},"stream":"${stream}"}`;
}

export const quoted = (text: string): string => `"${text}"`;

/** Writes ids as numbers, as strings, or as both in turn. */
export class IdWriter {
  readonly #as: IdsAs;
  #turn = 0;

  constructor(as: IdsAs = 'number') {
    this.#as = as;
  }

  /** For each message: all ids of one message are written alike. */
  next(): (id: number) => string {
    const text = this.#as === 'string' || (this.#as === 'alternate' && this.#turn++ % 2 === 1);
    return text ? (id) => `"${id}"` : String;
  }
}

/** 2025-07-19T13:09:00, UTC without saying so. */
export function isoSecond(ms: number): string {
  return new Date(ms).toISOString().slice(0, 19);
}

export function klineTime(as: KlineTimesAs, ms: number): string {
  switch (as) {
    case 'iso':
      return quoted(isoSecond(ms));
    case 'seconds':
      return String(Math.floor(ms / 1_000));
    case 'milliseconds':
      return String(ms);
    case 'microseconds':
      return String(ms * 1_000);
    default:
      return as satisfies never;
  }
}
