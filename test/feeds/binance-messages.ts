/** Books, candles and tickers of Binance that its tests share. */
import { levelBits, type TickRecords, tickField, tickFlag, tickKind } from '../../src/wire/tick-record.ts';
import { now } from './market.ts';

export function depthText(changes: Record<string, unknown> = {}, stream = 'btcusdt@depth@100ms'): string {
  const data = {
    e: 'depthUpdate',
    E: now / 1_000 - 1,
    s: 'BTCUSDT',
    U: 50_093_239_200,
    u: 50_093_239_212,
    b: [
      ['61837.63000000', '3.78826000'],
      ['61837.60000000', '0.00000000'],
    ],
    a: [
      ['61837.64000000', '1.54698000'],
      ['61838.00000000', '0.00001000'],
    ],
    ...changes,
  };
  return JSON.stringify({ stream, data });
}

export function partialText(changes: Record<string, unknown> = {}, stream = 'btcusdt@depth5@100ms'): string {
  const data = {
    lastUpdateId: 160,
    bids: [
      ['61837.63', '1'],
      ['61837.62', '2'],
    ],
    asks: [
      ['61837.64', '3'],
      ['61837.65', '4'],
    ],
    ...changes,
  };
  return JSON.stringify({ stream, data });
}

export function candleText(
  k: Record<string, unknown> = {},
  stream = 'btcusdt@kline_1m',
  s = 'BTCUSDT',
): string {
  const candle = {
    t: 1,
    T: 2,
    s,
    i: '1m',
    o: '2',
    c: '3',
    h: '4',
    l: '1',
    v: '5',
    f: 90,
    L: 99,
    x: true,
    ...k,
  };
  return JSON.stringify({ stream, data: { e: 'kline', E: now / 1_000, s, k: candle } });
}

export interface ReadBook {
  readonly instrument: number;
  readonly isSnapshot: boolean;
  readonly noVenueTime: boolean;
  readonly time: number;
  readonly received: number;
  readonly firstUpdate: number;
  readonly lastUpdate: number;
  readonly horizons: readonly [bid: number, ask: number];
  readonly bids: readonly (readonly [price: number, size: number])[];
  readonly asks: readonly (readonly [price: number, size: number])[];
}

/** The book in records 0 to `count` − 1, as the layout in wire/tick-record.ts says; throws where it breaks it. */
export function bookIn({ words, halves }: TickRecords, count: number): ReadBook {
  const head = halves[tickField.head]!;
  const instrument = halves[tickField.instrument]!;
  if ((head & 0xff) !== tickKind.book) throw new Error('no book record');
  const bids: [number, number][] = [];
  const asks: [number, number][] = [];
  for (let slot = 1; slot < count; slot++) {
    const bits = halves[slot * 16]!;
    if ((bits & 0xff) !== tickKind.levels || halves[slot * 16 + 1] !== instrument)
      throw new Error('no levels');
    if (words[slot * 8 + tickField.levelsOf] !== words[tickField.id]) throw new Error('levels of another');
    const levels = (bits >> levelBits.countShift) & levelBits.countMask;
    if (levels === 0 || (slot < count - 1 && levels < 3)) throw new Error('a record that is not full');
    for (let k = 0; k < 3; k++) {
      const level = [words[slot * 8 + 1 + k * 2]!, words[slot * 8 + 2 + k * 2]!] as [number, number];
      const isAsk = ((bits >> (levelBits.askShift + k)) & 1) === 1;
      if (k >= levels) {
        if (isAsk || level[0] !== 0 || level[1] !== 0) throw new Error('left over from before');
      } else if (isAsk) asks.push(level);
      else if (asks.length > 0) throw new Error('a bid after an ask');
      else bids.push(level);
    }
  }
  if (bids.length + asks.length !== words[tickField.levels]) throw new Error('another number of levels');
  return {
    instrument,
    isSnapshot: (head & tickFlag.snapshot) !== 0,
    noVenueTime: (head & tickFlag.noVenueTime) !== 0,
    time: words[tickField.time]!,
    received: words[tickField.received]!,
    firstUpdate: words[tickField.firstUpdate]!,
    lastUpdate: words[tickField.id]!,
    horizons: [words[tickField.bidHorizon]!, words[tickField.askHorizon]!],
    bids,
    asks,
  };
}
