/** Frames with little in them, made by the obvious encoder. */
import type { Block, WireTrade } from '../../src/wire/decode-frame.ts';
import { encodeFrame } from '../frames/obvious-encoder.ts';

const timeBase = 1_643_335;
const time = timeBase * 2 ** 20 * 1_000 + 5_000;
const head = { instrument: 0, cursor: 0, time, snapshot: false, micros: false, received: 0 };

export function frameOf(...blocks: Block[]): Uint8Array {
  return encodeFrame({ dictionary: 1, timeBase, blocks });
}

/** Trades of these ids; a negative one came late. */
export function tradesOf(ids: readonly number[], { instrument = 1, snapshot = false } = {}): Block {
  const records = ids.map((signed): WireTrade => {
    const id = Math.abs(signed);
    return {
      instrument,
      id,
      time,
      price: 6_183_763 + id,
      size: 1_000,
      takerSold: false,
      merged: 1,
      late: signed < 0,
    };
  });
  return { ...head, instrument, snapshot, cursor: records[0]!.id, kind: 'trade', records };
}

export function gapOf(state: 'gap' | 'repaired' | 'lost', from: number, to: number, instrument = 1): Block {
  return { ...head, instrument, cursor: from, kind: 'gap', records: [{ instrument, state, from, to, time }] };
}

export function heartbeatOf(cursor: number, instrument = 1): Block {
  return { ...head, kind: 'heartbeat', records: [{ kind: 1, instrument, cursor }] };
}

export function dictionaryOf(epoch: number, symbols: readonly string[]): Block {
  const records = symbols.map((symbol, i) => {
    const id = i + 1;
    return {
      id,
      active: true,
      priceDecimals: 2,
      sizeDecimals: 5,
      symbol,
      base: symbol.slice(8, 11),
      quote: 'USDT',
    };
  });
  return { ...head, cursor: epoch, kind: 'dictionary', records };
}
