/** Ticker, bar, Enigma and gap blocks of frame v2: one record each. Layout: `proto/frames.md`. */
import { barBit, barWord } from '../market/bar-words.ts';
import { barFlag, blockKind, kindBits } from './block.ts';
import { beginBlock, endBlock, isMicros, putHead } from './encode-block.ts';
import { putAmount, putVarint, putVaruint } from './varint.ts';

/** The bar at `words[at…]` (market/bar-words.ts); `out` is written from `to`; returns the index after the block. */
export function encodeBar(
  out: Uint8Array,
  to: number,
  instrument: number,
  resolution: number,
  words: Float64Array,
  at: number,
): number {
  const micros = words[at + barWord.lastTime]!;
  const fine = isMicros(micros);
  const body = beginBlock(out, to, fine ? blockKind.bar | kindBits.micros : blockKind.bar, instrument, 1);
  let end = putHead(out, body, words[at + barWord.openTime]! / 1_000_000, micros, fine);
  const bits = words[at + barWord.flags]!;
  const open = words[at + barWord.open]!;
  const firstId = words[at + barWord.firstId]!;
  out[end++] = resolution;
  out[end++] =
    ((bits & barBit.closed) !== 0 ? barFlag.closed : 0) |
    ((bits & barBit.corrected) !== 0 ? barFlag.corrected : 0) |
    ((bits & barBit.incomplete) !== 0 ? barFlag.incomplete : 0);
  end = putVaruint(out, end, words[at + barWord.revision]!);
  end = putVaruint(out, end, open);
  end = putVaruint(out, end, words[at + barWord.high]! - open);
  end = putVaruint(out, end, open - words[at + barWord.low]!);
  end = putVarint(out, end, words[at + barWord.close]! - open);
  end = putAmount(out, end, words[at + barWord.volume]!, words[at + barWord.volume + 1]!);
  end = putAmount(out, end, words[at + barWord.quoteVolume]!, words[at + barWord.quoteVolume + 1]!);
  end = putVaruint(out, end, words[at + barWord.count]!);
  end = putAmount(out, end, words[at + barWord.takerBuyVolume]!, words[at + barWord.takerBuyVolume + 1]!);
  end = putAmount(
    out,
    end,
    words[at + barWord.takerBuyQuoteVolume]!,
    words[at + barWord.takerBuyQuoteVolume + 1]!,
  );
  end = putVaruint(out, end, firstId);
  end = putVaruint(out, end, words[at + barWord.lastId]! - firstId);
  return endBlock(out, body, end, 1);
}

/** Words of 24-hour statistics: last, open, high, low, volume (2), quote volume (2), trades. */
export const tickerWord = {
  last: 0,
  open: 1,
  high: 2,
  low: 3,
  volume: 4,
  quoteVolume: 6,
  trades: 8,
} as const;
export const tickerWords = 9;

/** A ticker at `micros`, of which `cursor` is the last trade's id. */
export function encodeTicker(
  out: Uint8Array,
  to: number,
  instrument: number,
  cursor: number,
  micros: number,
  words: Float64Array,
): number {
  const fine = isMicros(micros);
  const body = beginBlock(
    out,
    to,
    fine ? blockKind.ticker | kindBits.micros : blockKind.ticker,
    instrument,
    1,
  );
  let end = putHead(out, body, cursor, micros, fine);
  const last = words[tickerWord.last]!;
  end = putVaruint(out, end, last);
  end = putVarint(out, end, words[tickerWord.open]! - last);
  end = putVarint(out, end, words[tickerWord.high]! - last);
  end = putVaruint(out, end, last - words[tickerWord.low]!);
  end = putAmount(out, end, words[tickerWord.volume]!, words[tickerWord.volume + 1]!);
  end = putAmount(out, end, words[tickerWord.quoteVolume]!, words[tickerWord.quoteVolume + 1]!);
  end = putVaruint(out, end, words[tickerWord.trades]!);
  return endBlock(out, body, end, 1);
}

/** An Enigma level (`market/enigma.ts`); times of the extremes in µs, 0 when unknown. */
export function encodeEnigma(
  out: Uint8Array,
  to: number,
  instrument: number,
  cursor: number,
  micros: number,
  level: number,
  price: number,
  ath: number,
  athTime: number,
  atl: number,
  atlTime: number,
): number {
  const fine = isMicros(micros);
  const body = beginBlock(
    out,
    to,
    fine ? blockKind.enigma | kindBits.micros : blockKind.enigma,
    instrument,
    1,
  );
  let end = putHead(out, body, cursor, micros, fine);
  end = putVaruint(out, end, level);
  end = putVaruint(out, end, price);
  end = putVaruint(out, end, ath);
  end = putVaruint(out, end, atl);
  end = putVaruint(out, end, Math.floor(athTime / 1_000_000));
  end = putVaruint(out, end, Math.floor(atlTime / 1_000_000));
  return endBlock(out, body, end, 1);
}

/** Ids `from` to `last`, both included, are missing, came after all, or are lost. */
export function encodeGap(
  out: Uint8Array,
  to: number,
  kind: typeof blockKind.gap | typeof blockKind.repaired | typeof blockKind.lost,
  instrument: number,
  from: number,
  last: number,
  micros: number,
): number {
  const fine = isMicros(micros);
  const body = beginBlock(out, to, fine ? kind | kindBits.micros : kind, instrument, 1);
  const end = putHead(out, body, from, micros, fine);
  return endBlock(out, body, putVaruint(out, end, last - from), 1);
}

/**
 * The stream `channel` (block-message.ts) of an instrument is in `state` (`streamState` in row.ts) since `since` (µs);
 * `cursor` is the last one of that stream, 0 when there was none.
 */
export function encodeStatus(
  out: Uint8Array,
  to: number,
  instrument: number,
  cursor: number,
  micros: number,
  channel: number,
  state: number,
  since: number,
): number {
  const fine = isMicros(micros);
  const kind = fine ? blockKind.status | kindBits.micros : blockKind.status;
  const body = beginBlock(out, to, kind, instrument, 1);
  const end = putHead(out, body, cursor, micros, fine);
  out[end] = channel;
  out[end + 1] = state;
  return endBlock(out, body, putVarint(out, end + 2, micros - since), 1);
}
