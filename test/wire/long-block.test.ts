/** Blocks with numbers near their bounds, which no market sends: still the bytes that the obvious encoder makes. */
import { describe, expect, test } from 'vitest';
import { blockRecordsMax, timeBaseOf } from '../../src/wire/block.ts';
import { FrameReader } from '../../src/wire/decode.ts';
import { restOfBlocks } from '../../src/wire/decode-frame.ts';
import {
  encodeQuotes,
  encodeTrades,
  type TickChain,
  tickBlockBytesMax,
} from '../../src/wire/encode-ticks.ts';
import { tickRecords } from '../../src/wire/tick-record.ts';
import { putVarint, putVaruint, varuintBytesMax } from '../../src/wire/varint.ts';
import { encodeBlock, varint, varuint } from '../frames/obvious-encoder.ts';
import { dice, seed } from '../market/dice.ts';
import { putTick, type Tick, type TradeTick } from '../workers/shard-bench.ts';

const time = Date.UTC(2024, 6, 31) * 1_000;
const largest = 2 ** 51;

function chainOf(ticks: readonly Tick[]): TickChain {
  const chain = {
    ring: tickRecords(ticks.length),
    ringSlots: ticks.length,
    extra: tickRecords(1),
    next: new Int32Array(ticks.length),
    late: new Uint8Array(ticks.length),
  };
  for (const [slot, tick] of ticks.entries()) {
    putTick(chain.ring, slot, tick);
    chain.next[slot] = slot + 1;
  }
  return chain;
}

/** Body of a block's bytes: what follows kind, instrument 1 and the length. */
function bodyOf(bytes: readonly number[]): number[] {
  return bytes.slice(bytes.findIndex((byte, index) => index >= 2 && byte < 128) + 1);
}

describe(`long blocks (SEED=${seed})`, () => {
  for (const count of [1, 2, 6, 7, 100, 372, blockRecordsMax]) {
    test(`${count} trades with the longest numbers`, () => {
      const roll = dice(seed + count);
      const trades = Array.from({ length: count }, (_, index): TradeTick => {
        const merged = roll.chance(0.9) ? roll.whole(1, largest) : 1;
        const id = index % 2 === 0 ? roll.whole(1, 9) : roll.whole(largest, largest + 9);
        return {
          kind: 'trade',
          instrument: 1,
          id,
          time: index === 0 ? time : index % 2 === 0 ? time + roll.whole(0, 9) : largest - roll.whole(0, 9),
          price: index % 2 === 0 ? 1 : largest,
          size: 2 ** 53 - 1,
          takerSold: roll.chance(0.5),
          firstId: 1,
          lastId: merged,
        };
      });
      const out = new Uint8Array(tickBlockBytesMax(count) + 8).fill(0xee);
      const end = encodeTrades(out, 0, chainOf(trades), 1, 0, count);
      expect(end).toBeLessThanOrEqual(tickBlockBytesMax(count));
      expect(out[end]).toBe(0xee);
      const records = trades.map(({ kind: _kind, firstId: _first, lastId, ...trade }) => ({
        ...trade,
        merged: lastId!,
        late: false,
      }));
      const head = {
        instrument: 1,
        cursor: trades[0]!.id,
        time,
        snapshot: false,
        micros: trades.some((trade) => trade.time % 1_000 !== 0),
        received: 0,
      };
      const block = { ...head, kind: 'trade' as const, records };
      expect(bodyOf([...out.subarray(0, end)])).toEqual(bodyOf(encodeBlock(block, timeBaseOf(time))));
      const reader = new FrameReader();
      reader.openBlocks(out, 0, end, timeBaseOf(time));
      expect(restOfBlocks(reader)).toEqual([block]);
    });
  }

  test('quotes with the longest numbers', () => {
    const quotes = Array.from({ length: blockRecordsMax }, (_, index): Tick => {
      const far = index % 2 === 0 ? 1 : largest;
      return {
        kind: 'quote',
        instrument: 1,
        version: far + index,
        time: time + index,
        bid: far,
        bidSize: 2 ** 53 - 1 - index,
        ask: largest + 1 - far,
        askSize: 2 ** 53 - 1 - index,
      };
    });
    const out = new Uint8Array(tickBlockBytesMax(quotes.length));
    const end = encodeQuotes(out, 0, chainOf(quotes), 1, 0, quotes.length);
    const reader = new FrameReader();
    reader.openBlocks(out, 0, end, timeBaseOf(time));
    expect(restOfBlocks(reader)).toMatchObject([
      { kind: 'quote', records: quotes.map(({ kind: _kind, ...quote }) => quote) },
    ]);
  });

  test('varuint and varint of any number, as BigInt writes them', () => {
    const roll = dice(seed);
    const bytes = new Uint8Array(varuintBytesMax);
    const edges = Array.from({ length: 54 }, (_, bits) => [
      2 ** bits - 1,
      Math.min(2 ** bits, 2 ** 53 - 1),
    ]).flat();
    for (const value of [
      ...edges,
      ...Array.from({ length: 2_000 }, () => roll.whole(0, 2 ** roll.whole(1, 53) - 1)),
    ]) {
      expect([...bytes.subarray(0, putVaruint(bytes, 0, value))]).toEqual(varuint(value));
      const signed = value >= 2 ** 52 ? value - 2 ** 53 : roll.chance(0.5) ? value : -value;
      expect([...bytes.subarray(0, putVarint(bytes, 0, signed))]).toEqual(varint(signed));
    }
  });
});
