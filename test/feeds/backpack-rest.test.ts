/** Backpack's own REST rules, beside what all venues are examined for. */
import { describe, expect, test } from 'vitest';
import { backpack } from '../../src/feeds/backpack/venue.ts';
import { restPriority } from '../../src/feeds/venue-rest.ts';
import { resolutions } from '../../src/market/resolution.ts';
import { backpackCandidate, listed } from './exam-candidates.ts';
import { dice, now, seed } from './market.ts';
import { askedVenue } from './venue-server.ts';

const [bitcoin] = backpackCandidate.instruments;
const minute = resolutions.indexOf('1m');
const month = resolutions.indexOf('1M');
const priority = restPriority.backfill;
const market = (symbol: string, marketType: string, orderBookState = 'Open'): object => ({
  symbol,
  baseSymbol: 'SOL',
  quoteSymbol: 'USDC',
  marketType,
  orderBookState,
  filters: { price: { tickSize: '0.01' }, quantity: { stepSize: '0.01' } },
});

const range = (from: number, to: number): number[] =>
  Array.from({ length: to - from + 1 }, (_, i) => from + i);
const inHole = (id: number): boolean => id > 2_000 && id < 2_500;

test('trap: perpetual and spot of one base are two instruments; what has no book is none', async () => {
  const { rest } = await askedVenue(backpack, () => [
    market('SOL_USDC', 'SPOT'),
    market('SOL_USDC_PERP', 'PERP'),
    market('SOL_USDC_RFQ', 'RFQ'),
    market('OLD_USDC', 'SPOT', 'Closed'),
  ]);
  const found = await rest.instruments();
  expect(found.map(({ symbol, active }) => [symbol, active])).toEqual([
    ['BACKPACK:SOL_USDC', true],
    ['BACKPACK:SOL_USDC_PERP', true],
    ['BACKPACK:OLD_USDC', false],
  ]);
});

describe('candles', () => {
  const prices = {
    open: '2.00',
    high: '4.00',
    low: '1.00',
    close: '3.00',
    volume: '1.5',
    quoteVolume: '3.1',
    trades: '2',
  };

  test('trap: 1M is a month, 1m a minute, and the month is called 1month there', async () => {
    const { rest, urls } = await askedVenue(backpack, () => []);
    for (const resolution of [minute, month])
      await rest.candles(bitcoin, { resolution, from: now, limit: 1, priority });
    expect(urls.map(({ searchParams }) => searchParams.get('interval'))).toEqual(['1m', '1month']);
    expect(rest.candleResolutions.map((one) => resolutions[one])).toEqual(
      resolutions.filter((name) => name !== '5s'),
    );
  });

  test('the question is in seconds, and no longer than a thousand bars', async () => {
    const { rest, urls } = await askedVenue(backpack, () => []);
    const from = now - (now % 60e6);
    await rest.candles(bitcoin, { resolution: minute, from, to: from + 1e12, limit: 5_000, priority });
    await rest.candles(bitcoin, { resolution: minute, to: from + 1, limit: 3, priority });
    expect(urls.map(({ searchParams: one }) => [one.get('startTime'), one.get('endTime')])).toEqual([
      [String(from / 1e6), String(from / 1e6 + 999 * 60)],
      [String(from / 1e6 - 120), String(from / 1e6)],
    ]);
  });

  test('without a range: the newest, by the venue’s own time', async () => {
    const { rest, urls } = await askedVenue(backpack, ({ pathname }) =>
      pathname.endsWith('/time') ? now / 1_000 : [],
    );
    await rest.candles(bitcoin, { resolution: minute, limit: 2, priority });
    expect(urls.map(({ pathname }) => pathname)).toEqual(['/api/v1/time', '/api/v1/klines']);
    expect(urls[1]!.searchParams.get('startTime')).toBe(String((now - (now % 60e6)) / 1e6 - 60));
  });

  test('empty bars have nulls and are left out; times as T, with a space, or in seconds', async () => {
    const nothing = {
      open: null,
      high: null,
      low: null,
      close: null,
      volume: '0',
      quoteVolume: '0',
      trades: '0',
    };
    const { rest } = await askedVenue(backpack, () => [
      { start: 1_723_161_360, ...prices },
      { start: '2024-08-08T23:54:00', end: 'x', ...prices },
      { start: '2024-08-08 23:55:00', end: 'x', ...nothing },
    ]);
    const found = await rest.candles(bitcoin, {
      resolution: minute,
      from: now - 3_600e6,
      limit: 900,
      priority,
    });
    expect(found.map(({ openTime }) => openTime)).toEqual([1_723_161_240_000_000, 1_723_161_360_000_000]);
    expect(found[0]).toMatchObject({
      open: 200,
      high: 400,
      low: 100,
      close: 300,
      volume: 150_000n,
      count: 2,
    });
    expect(found[0]!.quoteVolume).toBe(31_000_000n);
  });

  test('a month that begins on the second day is none', async () => {
    const { rest } = await askedVenue(backpack, () => [{ start: '2024-08-02T00:00:00', ...prices }]);
    const query = { resolution: month, from: now - 86_400e6 * 30, limit: 9, priority };
    await expect(rest.candles(bitcoin, query)).rejects.toMatchObject({ kind: 'malformed' });
  });
});

describe('scenario 14: trades by id, from a venue that pages by how far back', () => {
  const pageMax = 1_000;
  /** A venue with trades 1 to `newest`, of which `perPage` more happen with every question, and which lacks `missing`. */
  function tape(newest: number, perPage = 0, missing: (id: number) => boolean = () => false) {
    let last = newest;
    return ({ searchParams }: URL): object[] => {
      last += perPage;
      const ids: number[] = [];
      for (let id = last; id > 0; id--) if (!missing(id)) ids.push(id);
      const offset = Number(searchParams.get('offset'));
      return ids.slice(offset, offset + Math.min(pageMax, Number(searchParams.get('limit')))).map((id) => ({
        id,
        price: '61837.63',
        quantity: '0.02',
        quoteQuantity: '1',
        timestamp: now / 1_000,
        isBuyerMaker: id % 2 === 0,
      }));
    };
  }

  test.each<[string, number, number, number, number]>([
    ['just now', 5_000, 0, 4_990, 5_000],
    ['far back', 50_000, 0, 12_345, 12_400],
    ['far back while trades go on', 50_000, 700, 12_345, 13_000],
    ['over two pages', 50_000, 0, 20_000, 20_999],
    ['at the very beginning', 3_000, 3, 1, 10],
  ])('%s', async (_name, newest, perPage, from, to) => {
    const { rest, urls } = await askedVenue(backpack, tape(newest, perPage));
    const trades = await rest.trades(bitcoin, 'trade', from, to);
    expect(trades.map(({ id }) => id)).toEqual(range(from, to));
    expect(trades.every(({ id, takerSold }) => takerSold === (id % 2 === 0))).toBe(true);
    expect(urls.length).toBeLessThanOrEqual(8);
  });

  test('of more than a thousand the oldest come first', async () => {
    const { rest } = await askedVenue(backpack, tape(9_000));
    const trades = await rest.trades(bitcoin, 'trade', 3_000, 8_000);
    expect(trades.map(({ id }) => id)).toEqual(range(3_000, 3_999));
  });

  test('ids that the venue does not have are left out, and the others found', async () => {
    const { rest } = await askedVenue(backpack, tape(6_000, 10, inHole));
    const trades = await rest.trades(bitcoin, 'trade', 1_990, 2_510);
    expect(trades.map(({ id }) => id)).toEqual(range(1_990, 2_510).filter((id) => !inHole(id)));
  });

  test('ids that are still to come give what there is', async () => {
    const { rest } = await askedVenue(backpack, tape(100));
    expect((await rest.trades(bitcoin, 'trade', 95, 300)).map(({ id }) => id)).toEqual(range(95, 100));
    expect(await rest.trades(bitcoin, 'trade', 200, 300)).toEqual([]);
    const empty = await askedVenue(backpack, () => []);
    expect(await empty.rest.trades(bitcoin, 'trade', 1, 3)).toEqual([]);
  });

  test(`any range of any tape, holes and news included (SEED=${seed})`, async () => {
    const roll = dice(seed);
    const whole = (most: number): number => 1 + Math.floor(roll() * most);
    for (let i = 0; i < 12; i++) {
      const newest = whole(20_000);
      const hole = whole(newest);
      const missing = (id: number): boolean => id >= hole && id < hole + 300;
      const from = whole(newest);
      const to = Math.min(newest, from + whole(1_000) - 1);
      const { rest } = await askedVenue(backpack, tape(newest, whole(200), missing));
      const trades = await rest.trades(bitcoin, 'trade', from, to);
      expect({ newest, hole, from, to, ids: trades.map(({ id }) => id) }).toEqual({
        newest,
        hole,
        from,
        to,
        ids: range(from, to).filter((id) => !missing(id)),
      });
    }
  });

  test('a trade without an id can be put nowhere', async () => {
    const row = { price: '1.00', quantity: '1', timestamp: now / 1_000, isBuyerMaker: true };
    const { rest } = await askedVenue(backpack, () => [{ ...row, id: 2 }, { ...row, id: null }, row]);
    expect((await rest.trades(bitcoin, 'trade', 1, 3)).map(({ id }) => id)).toEqual([2]);
  });
});

describe('the book', () => {
  test('limit is the next size the venue knows; lastUpdateId as text or number', async () => {
    let lastUpdateId: string | number = '113782701';
    const { rest, urls } = await askedVenue(backpack, () => ({
      lastUpdateId,
      timestamp: now + 7,
      asks: [['2.00', '1']],
      bids: [['1.00', '1']],
    }));
    for (const levels of [1, 5, 6, 101, 9_999]) await rest.book(bitcoin, levels, restPriority.book);
    expect(urls.map(({ searchParams }) => searchParams.get('limit'))).toEqual([
      '5',
      '5',
      '10',
      '500',
      '1000',
    ]);
    expect(await rest.book(bitcoin, 5, restPriority.book)).toMatchObject({
      lastId: 113_782_701,
      time: now + 7,
    });
    lastUpdateId = 42;
    expect(await rest.book(bitcoin, 5, restPriority.book)).toMatchObject({ lastId: 42, whole: true });
    lastUpdateId = '9007199254740993';
    await expect(rest.book(bitcoin, 5, restPriority.book)).rejects.toMatchObject({ kind: 'malformed' });
  });

  test('as many levels as asked for: there may be more', async () => {
    const rows = Array.from({ length: 5 }, (_, i) => [`${i + 1}.00`, '1']);
    const { rest } = await askedVenue(backpack, () => ({ lastUpdateId: 1, asks: [], bids: rows }));
    const book = await rest.book(listed('BACKPACK', 1, 'X_USDC', 'X', 'USDC'), 5, restPriority.book);
    expect(book.whole).toBe(false);
    expect([...book.bids].filter((_, i) => i % 2 === 0)).toEqual([500, 400, 300, 200, 100]);
  });
});
