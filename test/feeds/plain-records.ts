/** Tick records as plain objects, to be compared and read: the obvious reader of wire/tick-record.ts. */
import { Buffer } from 'node:buffer';
import { tableCrc32 } from '../../src/wire/crc32.ts';
import { levelBits, type TickRecords, tickField, tickFlag, tickKind } from '../../src/wire/tick-record.ts';

export interface PlainRecord {
  readonly kind: string;
  readonly instrument: number;
  readonly time: number;
  readonly received: number;
  readonly id: number;
  readonly flags: readonly string[];
  /** Of a trade or quote: price, size, firstId, lastId, or bid, bidSize, ask, askSize. Of a book: horizons. */
  readonly words: readonly number[];
  /** Of a book: [U, u], and its levels. */
  readonly bids?: readonly (readonly [number, number])[];
  readonly asks?: readonly (readonly [number, number])[];
}

const kinds = new Map<number, string>(Object.entries(tickKind).map(([name, kind]) => [kind, name]));

/** Records 0 to count − 1; a book's `levels` records are read into its `bids` and `asks`. */
export function plainRecords({ words, halves }: TickRecords, count: number): PlainRecord[] {
  const found: PlainRecord[] = [];
  for (let slot = 0; slot < count; slot++) {
    const at = slot * 8;
    const head = halves[at * 2]!;
    const kind = kinds.get(head & 0xff) ?? `kind ${head & 0xff}`;
    const plain: PlainRecord = {
      kind,
      instrument: halves[at * 2 + 1]!,
      time: words[at + tickField.time]!,
      received: words[at + tickField.received]!,
      id: words[at + tickField.id]!,
      flags: Object.entries(tickFlag).flatMap(([name, bit]) => ((head & bit) === 0 ? [] : [name])),
      words: [...words.subarray(at + 4, at + 8)],
    };
    if (kind !== 'book') {
      found.push(plain);
      continue;
    }
    const levels = words[at + tickField.levels]!;
    const bids: [number, number][] = [];
    const asks: [number, number][] = [];
    while (bids.length + asks.length < levels) {
      slot++;
      const levelsAt = slot * 8;
      const levelsHead = halves[levelsAt * 2]!;
      if ((levelsHead & 0xff) !== tickKind.levels || halves[levelsAt * 2 + 1] !== plain.instrument)
        throw new Error(`record ${slot} is no levels of this book`);
      if (words[levelsAt + tickField.levelsOf] !== plain.id)
        throw new Error(`record ${slot} is of another update`);
      const held = (levelsHead >> levelBits.countShift) & levelBits.countMask;
      for (let i = 0; i < held; i++) {
        const price = words[levelsAt + tickField.level + i * 2]!;
        const size = words[levelsAt + tickField.level + i * 2 + 1]!;
        const isAsk = (levelsHead & (1 << (levelBits.askShift + i))) !== 0;
        if (!isAsk && asks.length > 0) throw new Error('a bid after the asks');
        (isAsk ? asks : bids).push([price, size]);
      }
    }
    found.push({ ...plain, bids, asks });
  }
  return found;
}

/** 18 bits of a message's answer and records, as three letters. */
export function digestOf(answer: number, { words }: TickRecords): string {
  const records = Buffer.from(words.buffer, words.byteOffset, Math.max(0, answer) * 64);
  const bytes = Buffer.concat([Buffer.from(`${answer}:`), records]);
  return Buffer.from(Uint32Array.of(tableCrc32(bytes, 0, bytes.length)).buffer)
    .toString('base64url')
    .slice(0, 3);
}
