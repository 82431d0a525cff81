/** Coinbase's own REST rules, beside what all venues are examined for. */
import { describe, expect, test } from 'vitest';
import { coinbase } from '../../src/feeds/coinbase/venue.ts';
import { restPriority } from '../../src/feeds/venue-rest.ts';
import { resolutions } from '../../src/market/resolution.ts';
import { products, productsText, recordedProducts } from './coinbase-market.ts';
import { coinbaseCandidate, listed } from './exam-candidates.ts';
import { hasData, now } from './market.ts';
import { askedVenue } from './venue-server.ts';

const [bitcoin] = coinbaseCandidate.instruments;
const minute = resolutions.indexOf('1m');
const priority = restPriority.backfill;

test.skipIf(!hasData(products))(
  'the listing of 2021: 162 products, each with the decimals of its increments',
  async () => {
    const { rest } = await askedVenue(coinbase, () => JSON.parse(productsText()) as unknown);
    const found = await rest.instruments();
    expect(found.length).toBe(162);
    expect(found.map((one, i) => ({ ...one, id: i + 1 }))).toEqual(recordedProducts());
    expect(found.find(({ native }) => native === 'SKL-BTC')).toMatchObject({
      priceDecimals: 8,
      sizeDecimals: 1,
    });
  },
);

test('scenario 23: a product that is offline, delisted or halted is listed, and not active', async () => {
  const product = {
    id: 'A-USD',
    base_currency: 'A',
    quote_currency: 'USD',
    quote_increment: '0.01',
    base_increment: '1',
    status: 'online',
    trading_disabled: false,
  };
  const { rest } = await askedVenue(coinbase, () => [
    product,
    { ...product, id: 'B-USD', status: 'delisted' },
    { ...product, id: 'C-USD', trading_disabled: true },
  ]);
  expect((await rest.instruments()).map(({ active }) => active)).toEqual([true, false, false]);
});

describe('candles', () => {
  test('trap: the columns are time, low, high, open, close, volume', async () => {
    const row = [1_723_161_240, 1.25, 9.75, 2.5, 3.5, 1_234.56789];
    const { rest } = await askedVenue(coinbase, () => [row]);
    const [candle] = await rest.candles(bitcoin, { resolution: minute, limit: 1, priority });
    expect(candle).toEqual({
      openTime: 1_723_161_240_000_000,
      open: 250,
      high: 975,
      low: 125,
      close: 350,
      volume: 123_456_789n,
      quoteVolume: 0n,
      count: 0,
      takerBuyVolume: 0n,
      takerBuyQuoteVolume: 0n,
    });
  });

  test('numbers are taken exactly: small ones, noise of doubles, and digits that do not belong', async () => {
    const tiny = listed('COINBASE', 3, 'SKL-BTC', 'SKL', 'BTC', 8, 1);
    let row = [1_723_161_240, 1e-8, 0.00001305, 1e-7, 0.00001302, 0.1 + 0.2];
    const { rest } = await askedVenue(coinbase, () => [row]);
    const ask = () => rest.candles(tiny, { resolution: minute, limit: 1, priority });
    expect((await ask())[0]).toMatchObject({ low: 1, high: 1_305, open: 10, close: 1_302, volume: 3n });
    row = [1_723_161_240, 1, 1, 1.000_000_001, 1, 1];
    await expect(ask()).rejects.toMatchObject({ kind: 'malformed' });
  });

  test('never more than 300 are asked for at once, whatever the limit: more is rejected', async () => {
    const { rest, urls } = await askedVenue(coinbase, () => []);
    const from = now - (now % 60e6);
    await rest.candles(bitcoin, {
      resolution: minute,
      from,
      to: from + 1_000 * 60e6,
      limit: 1_000,
      priority,
    });
    await rest.candles(bitcoin, { resolution: minute, from: from + 1, limit: 1_000, priority });
    await rest.candles(bitcoin, { resolution: minute, to: from, limit: 1_000, priority });
    await rest.candles(bitcoin, { resolution: minute, from, limit: 2, priority });
    const minutes = urls.map(({ searchParams: one }) => [
      (Date.parse(one.get('start')!) * 1_000 - from) / 60e6,
      (Date.parse(one.get('end')!) * 1_000 - from) / 60e6,
    ]);
    expect(minutes).toEqual([
      [0, 299],
      [1, 300],
      [-299, 0],
      [0, 1],
    ]);
    expect(urls.map(({ searchParams }) => searchParams.get('granularity'))).toEqual(['60', '60', '60', '60']);
    const empty = { resolution: minute, from: from + 1, to: from + 2, limit: 9, priority };
    expect(await rest.candles(bitcoin, empty)).toEqual([]);
    expect(urls.length).toBe(4);
  });

  test('1m, 5m, 15m, 1h and 1d, in seconds; a week or a second is refused unasked', async () => {
    const { rest, urls } = await askedVenue(coinbase, () => []);
    expect(rest.candleResolutions.map((one) => resolutions[one])).toEqual(['1m', '5m', '15m', '1h', '1d']);
    for (const resolution of rest.candleResolutions)
      await rest.candles(bitcoin, { resolution, limit: 1, priority });
    expect(urls.map(({ searchParams }) => searchParams.get('granularity'))).toEqual([
      '60',
      '300',
      '900',
      '3600',
      '86400',
    ]);
    for (const name of ['1s', '1w', '1M'] as const) {
      const resolution = resolutions.indexOf(name);
      await expect(rest.candles(bitcoin, { resolution, limit: 1, priority })).rejects.toMatchObject({
        kind: 'refused',
      });
    }
  });

  test('candles that begin in the middle of a bar are none', async () => {
    const { rest } = await askedVenue(coinbase, () => [[1_723_161_241, 1, 1, 1, 1, 1]]);
    await expect(rest.candles(bitcoin, { resolution: minute, limit: 1, priority })).rejects.toMatchObject({
      kind: 'malformed',
    });
  });
});

const row = (trade_id: number, side: string): object => ({
  trade_id,
  price: '61837.63',
  size: '0.02000000',
  side,
  time: '2024-08-08T23:54:15.075687Z',
});

describe('scenario 14: trades by id', () => {
  test('the cursor `after` gives older ones: one past the last that is wanted; sides are makers’', async () => {
    const { rest, urls } = await askedVenue(coinbase, () => [row(9, 'buy'), row(7, 'sell'), row(3, 'buy')]);
    const trades = await rest.trades(bitcoin, 'trade', 5, 9);
    expect(urls[0]!.pathname).toBe('/products/BTC-USD/trades');
    expect(Object.fromEntries(urls[0]!.searchParams)).toEqual({ after: '10', limit: '5' });
    expect(trades.map(({ id, takerSold }) => [id, takerSold])).toEqual([
      [7, false],
      [9, true],
    ]);
    expect(trades[0]!.time).toBe(1_723_161_255_075_687);
  });

  test('of more than a thousand the oldest come first; of none nothing is asked', async () => {
    const { rest, urls } = await askedVenue(coinbase, () => []);
    await rest.trades(bitcoin, 'trade', 5, 5_000);
    expect(Object.fromEntries(urls[0]!.searchParams)).toEqual({ after: '1005', limit: '1000' });
    expect(await rest.trades(bitcoin, 'trade', 5, 4)).toEqual([]);
    expect(urls.length).toBe(1);
  });
});

test('the book of level 2 is whole; its sequence is its id', async () => {
  const { rest, urls } = await askedVenue(coinbase, () => ({
    sequence: 13_051_505_638,
    bids: [['61837.63', '1.5', 3]],
    asks: [],
    time: '2024-08-08T23:54:15.000001Z',
  }));
  const book = await rest.book(bitcoin, 5, restPriority.book);
  expect(urls[0]!.search).toBe('?level=2');
  expect(book).toMatchObject({ lastId: 13_051_505_638, time: 1_723_161_255_000_001, whole: true });
});
