/** Trade and quote blocks of one turn, from its chains. */
import { blockKind, blockRecordsMax, timeBaseOf } from '../wire/block.ts';
import { blockClass, channel } from '../wire/block-message.ts';
import { encodeQuotes, encodeTrades } from '../wire/encode-ticks.ts';
import type { BlockBuffer } from './output-buffer.ts';
import type { TurnChains } from './turn-chains.ts';

/** The most bytes that one tick adds to a block, and that blocks of one instrument take besides. */
export const tickBytesMax = 52;
export const blockHeadBytesMax = 128;

/** Writes the blocks of all touched instruments. With `lastQuoteOnly`, returns how many quotes were left out. */
export function writeTickBlocks(
  blocks: BlockBuffer,
  chains: TurnChains,
  instrumentOf: (row: number) => number,
  lastQuoteOnly: boolean,
): number {
  let leftOut = 0;
  for (let index = 0; index < chains.touchedCount; index++) {
    const row = chains.touched[index]!;
    const trades = chains.tradeCount[row]!;
    const quotes = chains.quoteCount[row]!;
    const instrument = instrumentOf(row);
    if (trades > 0)
      writeTrades(blocks, chains, instrument, chains.tradeFirst[row]!, chains.tradeLast[row]!, trades);
    if (quotes === 0) continue;
    const last = chains.quoteLast[row]!;
    if (lastQuoteOnly) {
      writeQuotes(blocks, chains, instrument, last, last, 1);
      leftOut += quotes - 1;
    } else writeQuotes(blocks, chains, instrument, chains.quoteFirst[row]!, last, quotes);
  }
  return leftOut;
}

/** The slot `records` − 1 places after `first`. */
function lastOf(chains: TurnChains, first: number, records: number): number {
  let slot = first;
  for (let index = 1; index < records; index++) slot = chains.next[slot]!;
  return slot;
}

function writeTrades(
  blocks: BlockBuffer,
  chains: TurnChains,
  instrument: number,
  first: number,
  last: number,
  count: number,
): void {
  let slot = first;
  for (let rest = count; rest > 0; rest -= blockRecordsMax) {
    const records = Math.min(rest, blockRecordsMax);
    const end = encodeTrades(blocks.bytes, blocks.blockAt, chains, instrument, slot, records);
    const final = rest <= blockRecordsMax ? last : lastOf(chains, slot, records);
    const base = timeBaseOf(chains.timeOf(slot));
    blocks.add(
      end,
      base,
      instrument,
      blockKind.trade,
      channel.trades,
      blockClass.log,
      records,
      chains.idOf(final),
    );
    slot = chains.next[final]!;
  }
}

function writeQuotes(
  blocks: BlockBuffer,
  chains: TurnChains,
  instrument: number,
  first: number,
  last: number,
  count: number,
): void {
  let slot = first;
  for (let rest = count; rest > 0; rest -= blockRecordsMax) {
    const records = Math.min(rest, blockRecordsMax);
    const end = encodeQuotes(blocks.bytes, blocks.blockAt, chains, instrument, slot, records);
    const final = rest <= blockRecordsMax ? last : lastOf(chains, slot, records);
    const base = timeBaseOf(chains.timeOf(slot));
    blocks.add(
      end,
      base,
      instrument,
      blockKind.quote,
      channel.quotes,
      blockClass.state,
      records,
      chains.idOf(final),
    );
    slot = chains.next[final]!;
  }
}
