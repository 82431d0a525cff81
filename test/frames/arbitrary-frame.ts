/** Any v2 frame that can be, extremes included, for property tests. */
import * as fc from 'fast-check';
import type { Block, BlockHead, BlockRecords, Frame } from '../../src/wire/decode-frame.ts';

const most = Number.MAX_SAFE_INTEGER;
/** What fits as a first difference: a varint. */
const priceMax = 2 ** 52 - 1;
const timeBaseMax = Math.floor(most / (2 ** 20 * 1_000));

/** Small numbers often, extremes sometimes. */
const upTo = (max: number): fc.Arbitrary<number> =>
  fc.oneof(
    { weight: 4, arbitrary: fc.nat(Math.min(max, 300)) },
    { weight: 2, arbitrary: fc.maxSafeNat().map((n) => n % (max + 1)) },
    {
      weight: 1,
      arbitrary: fc.constantFrom(
        0,
        max,
        Math.min(max, 127),
        Math.min(max, 128),
        Math.min(max, 2 ** 28),
        Math.min(max, 2 ** 31),
      ),
    },
  );
const step = fc.oneof(
  { weight: 4, arbitrary: fc.constantFrom(0, 0, 1, 1, -1, 2) },
  { weight: 2, arbitrary: fc.integer({ min: -100_000, max: 100_000 }) },
  { weight: 1, arbitrary: fc.constantFrom(priceMax, -priceMax, 2 ** 31, -(2 ** 31)) },
);
const clamp = (value: number, max: number): number => Math.min(Math.max(value, 0), max);
const amount = fc.oneof(
  upTo(most).map(BigInt),
  fc.bigInt({ min: 0n, max: (2n ** 53n - 1n) * 2n ** 48n + 2n ** 48n - 1n }),
);
const word = fc.string({ unit: 'grapheme', maxLength: 12 });

interface Start {
  readonly instrument: number;
  readonly cursor: number;
  readonly time: number;
  readonly unit: number;
}

/** Running values: each is the one before plus a step, kept in bounds. */
function walk(first: number, steps: readonly number[], unit: number, max: number): number[] {
  const values = [first];
  const top = Math.floor(max / unit) * unit;
  for (const one of steps)
    values.push(
      clamp(values.at(-1)! + Math.floor(clamp(Math.abs(one), most / unit / 2)) * Math.sign(one) * unit, top),
    );
  return values;
}

const tradeRow = fc.tuple(
  step,
  step,
  step,
  upTo(most),
  fc.boolean(),
  fc.boolean(),
  fc.oneof(
    fc.constant(1),
    upTo(most - 1).map((n) => n + 1),
  ),
  fc.boolean(),
);

function trades({ instrument, cursor, time, unit }: Start): fc.Arbitrary<BlockRecords> {
  return fc.array(tradeRow, { minLength: 1, maxLength: 20 }).map((rows) => {
    const later = rows.slice(1);
    const ids = walk(
      cursor,
      later.map((row) => row[0]),
      1,
      most,
    );
    const times = walk(
      time,
      later.map((row) => row[1]),
      unit,
      most,
    );
    const prices = walk(
      0,
      rows.map((row) => row[2]),
      1,
      priceMax,
    ).slice(1);
    const records = rows.map(([, , , size, takerSold, late, merged, quarantined], i) => ({
      instrument,
      id: ids[i]!,
      time: times[i]!,
      price: prices[i]!,
      size,
      takerSold,
      late,
      merged,
      ...(quarantined ? { quarantined: true as const } : {}),
    }));
    return { kind: 'trade' as const, records };
  });
}

const quoteRow = fc.tuple(
  step,
  step,
  step,
  step,
  fc.oneof(fc.constant(7), upTo(most)),
  fc.oneof(fc.constant(7), upTo(most)),
);

function quotes({ instrument, cursor, time, unit }: Start): fc.Arbitrary<BlockRecords> {
  return fc.array(quoteRow, { minLength: 1, maxLength: 20 }).map((rows) => {
    const later = rows.slice(1);
    const versions = walk(
      cursor,
      later.map((row) => row[0]),
      1,
      most,
    );
    const times = walk(
      time,
      later.map((row) => row[1]),
      unit,
      most,
    );
    const bids = walk(
      0,
      rows.map((row) => row[2]),
      1,
      priceMax,
    ).slice(1);
    const asks = walk(
      0,
      rows.map((row) => row[3]),
      1,
      priceMax,
    ).slice(1);
    const records = rows.map(([, , , , bidSize, askSize], i) => ({
      instrument,
      version: versions[i]!,
      time: times[i]!,
      bid: bids[i]!,
      bidSize,
      ask: asks[i]!,
      askSize,
    }));
    return { kind: 'quote' as const, records };
  });
}

function tickers({ instrument, time }: Start): fc.Arbitrary<BlockRecords> {
  return fc
    .record({
      last: upTo(priceMax),
      open: upTo(priceMax),
      high: upTo(priceMax),
      low: upTo(priceMax),
      volume: amount,
      quoteVolume: amount,
      count: upTo(most),
    })
    .map((ticker) => ({
      kind: 'ticker' as const,
      records: [{ instrument, time, ...ticker, low: Math.min(ticker.low, ticker.last) }],
    }));
}

function bars(start: Start): fc.Arbitrary<BlockRecords> {
  return fc
    .record({
      resolution: fc.nat(9),
      revision: upTo(most),
      open: upTo(priceMax),
      close: upTo(priceMax),
      high: upTo(most),
      low: upTo(most),
      volume: amount,
      quoteVolume: amount,
      takerBuyVolume: amount,
      takerBuyQuoteVolume: amount,
      count: upTo(most),
      firstId: upTo(most),
      lastId: upTo(most),
      closed: fc.boolean(),
      corrected: fc.boolean(),
      incomplete: fc.boolean(),
    })
    .map((bar) => {
      const { open, high, low, firstId, lastId } = bar;
      const bounds = {
        high: Math.max(high, open),
        low: Math.min(low, open),
        firstId: Math.min(firstId, lastId),
        lastId: Math.max(firstId, lastId),
      };
      const { instrument, cursor, time } = start;
      return {
        kind: 'bar' as const,
        records: [{ ...bar, ...bounds, instrument, openTime: cursor * 1_000_000, lastTime: time }],
      };
    });
}

function enigmas({ instrument, time }: Start): fc.Arbitrary<BlockRecords> {
  const seconds = upTo(Math.floor(most / 1_000_000)).map((n) => n * 1_000_000);
  return fc
    .record({
      level: upTo(1_000_000),
      price: upTo(most),
      ath: upTo(most),
      atl: upTo(most),
      athTime: seconds,
      atlTime: seconds,
    })
    .map((enigma) => ({ kind: 'enigma' as const, records: [{ instrument, time, ...enigma }] }));
}

function gaps({ instrument, cursor, time }: Start): fc.Arbitrary<BlockRecords> {
  return fc
    .tuple(fc.constantFrom('gap' as const, 'repaired' as const, 'lost' as const), upTo(most - cursor))
    .map(([state, span]) => ({
      kind: 'gap' as const,
      records: [{ instrument, state, from: cursor, to: cursor + span, time }],
    }));
}

const instrumentNumber = upTo(2 ** 32 - 1);
const bookSide = fc.array(fc.tuple(upTo(2 ** 40), upTo(most)), { maxLength: 8 });

/** No price twice, best first. */
const sorted = (levels: readonly [number, number][], way: 1 | -1): [number, number][] =>
  [...new Map(levels)].toSorted(([a], [b]) => (a - b) * way);

function books(kind: 'bookSnapshot' | 'bookTop'): (start: Start) => fc.Arbitrary<BlockRecords> {
  return ({ instrument }) =>
    fc
      .record({ bids: bookSide, asks: bookSide, bidsWhole: fc.boolean(), asksWhole: fc.boolean() })
      .map(({ bids, asks, ...rest }) => ({
        kind,
        records: [{ instrument, ...rest, bids: sorted(bids, -1), asks: sorted(asks, 1) }],
      }));
}

function bookDeltas({ instrument, cursor }: Start): fc.Arbitrary<BlockRecords> {
  return fc
    .record({
      bids: bookSide,
      asks: bookSide,
      bidsWhole: fc.boolean(),
      asksWhole: fc.boolean(),
      previous: upTo(cursor),
      firstUpdate: upTo(cursor),
    })
    .map((delta) => ({ kind: 'bookDelta' as const, records: [{ instrument, ...delta }] }));
}

function statuses({ instrument, time }: Start): fc.Arbitrary<BlockRecords> {
  return fc
    .record({
      channel: fc.nat(15),
      state: fc.constantFrom('live' as const, 'stale' as const, 'syncing' as const),
      since: upTo(priceMax).map((ago) => Math.max(time - ago, 0)),
    })
    .map((status) => ({
      kind: 'status' as const,
      // As far as a varint reaches.
      records: [{ instrument, ...status, since: Math.max(status.since, time - priceMax), time }],
    }));
}

const heartbeats: fc.Arbitrary<BlockRecords> = fc
  .array(fc.record({ kind: upTo(most), instrument: instrumentNumber, cursor: upTo(most) }), { maxLength: 12 })
  .map((records) => ({ kind: 'heartbeat' as const, records }));
const dictionaries: fc.Arbitrary<BlockRecords> = fc
  .array(
    fc.record({
      id: instrumentNumber,
      active: fc.boolean(),
      priceDecimals: fc.nat(255),
      sizeDecimals: fc.nat(255),
      symbol: word,
      base: word,
      quote: word,
    }),
    { minLength: 1, maxLength: 5 },
  )
  .map((records) => ({ kind: 'dictionary' as const, records }));
const errors: fc.Arbitrary<BlockRecords> = word.map((text) => ({ kind: 'error' as const, records: [text] }));

const kinds = [
  'trade',
  'quote',
  'ticker',
  'bar',
  'enigma',
  'gap',
  'bookSnapshot',
  'bookDelta',
  'bookTop',
  'status',
  'heartbeat',
  'dictionary',
  'error',
] as const;
const byKind: Record<(typeof kinds)[number], (start: Start) => fc.Arbitrary<BlockRecords>> = {
  trade: trades,
  quote: quotes,
  ticker: tickers,
  bar: bars,
  enigma: enigmas,
  gap: gaps,
  bookSnapshot: books('bookSnapshot'),
  bookDelta: bookDeltas,
  bookTop: books('bookTop'),
  status: statuses,
  heartbeat: () => heartbeats,
  dictionary: () => dictionaries,
  error: () => errors,
};

function arbitraryBlock(timeBase: number): fc.Arbitrary<Block> {
  const base = timeBase * 2 ** 20 * 1_000;
  const head = fc.record({
    kind: fc.constantFrom(...kinds),
    instrument: instrumentNumber,
    snapshot: fc.boolean(),
    micros: fc.boolean(),
    cursor: upTo(most),
    since: upTo(2 ** 20),
    receive: fc.option(fc.integer({ min: -1_000, max: 2 ** 31 - 1 })),
  });
  return head.chain(({ kind, cursor, since, receive, ...rest }) => {
    const unit = rest.micros ? 1 : 1_000;
    const time = Math.min(base + since * unit, base + Math.floor((most - base) / unit) * unit);
    const atMost = kind === 'bar' ? Math.floor(most / 1_000_000) : most;
    const received = receive === null ? 0 : clamp(time + receive, most);
    const start: BlockHead = { ...rest, cursor: cursor % (atMost + 1), time, received };
    return byKind[kind]({ ...start, unit }).map((records) => ({ ...start, ...records }));
  });
}

export const arbitraryFrame: fc.Arbitrary<Frame> = fc
  .tuple(upTo(2 ** 32 - 1), upTo(timeBaseMax))
  .chain(([dictionary, timeBase]) =>
    fc
      .array(arbitraryBlock(timeBase), { maxLength: 5 })
      .map((blocks) => ({ dictionary, timeBase, blocks, skipped: 0 })),
  );
