/** The records of blocks that belong to the connection: dictionary, heartbeat, error (`proto/frames.md`). */

import type { FrameReader } from './decode.ts';
import { FrameFault } from './decode-fault.ts';

/** What a number in the blocks stands for. */
export interface DictionaryEntry {
  readonly id: number;
  readonly active: boolean;
  readonly priceDecimals: number;
  readonly sizeDecimals: number;
  /** Canonical, such as `BINANCE:BTCUSDT`. */
  readonly symbol: string;
  readonly base: string;
  readonly quote: string;
}

/** The last cursor that was sent of one log stream. */
export interface StreamCursor {
  readonly kind: number;
  readonly instrument: number;
  readonly cursor: number;
}

const flagsKnown = 1;
const idMax = 2 ** 32 - 1;

/** Undefined when a flag is unknown: the block is then skipped. */
export function readDictionary(reader: FrameReader): DictionaryEntry[] | undefined {
  const entries: DictionaryEntry[] = [];
  for (let i = 0; i < reader.count; i++) {
    const id = instrumentNumber(reader);
    const flags = reader.u8();
    if (flags > flagsKnown) {
      reader.skip();
      return undefined;
    }
    const priceDecimals = reader.u8();
    const sizeDecimals = reader.u8();
    const symbol = reader.text(reader.u8());
    const base = reader.text(reader.u8());
    const quote = reader.text(reader.u8());
    entries.push({ id, active: flags === 1, priceDecimals, sizeDecimals, symbol, base, quote });
  }
  reader.finish();
  return entries;
}

export function readHeartbeat(reader: FrameReader): StreamCursor[] {
  const cursors: StreamCursor[] = [];
  for (let i = 0; i < reader.count; i++) {
    cursors.push({ kind: reader.varuint(), instrument: instrumentNumber(reader), cursor: reader.varuint() });
  }
  reader.finish();
  return cursors;
}

/** The text of an error; its number is the block's cursor. */
export function readError(reader: FrameReader): string {
  const text = reader.text(reader.varuint());
  reader.finish();
  return text;
}

function instrumentNumber(reader: FrameReader): number {
  const id = reader.varuint();
  if (id > idMax) throw new FrameFault('bad-number', `instrument ${id}`);
  return id;
}
