/** Binance's own streams, requests and answers, beside what all venues are examined for in venue-exam.test.ts. */
import { expect, test } from 'vitest';
import { binance } from '../../src/feeds/binance/venue.ts';
import type { StreamWish } from '../../src/feeds/venue.ts';
import { instrument } from './market.ts';

const btc = instrument(1, 'BTCUSDT');

test.each<[StreamWish['trades'], StreamWish['book'], string[]]>([
  ['trade', 'changes', ['trade:btcusdt@trade', 'depth:btcusdt@depth@100ms*']],
  ['aggTrade', 20, ['aggTrade:btcusdt@aggTrade', 'depth:btcusdt@depth20@100ms*']],
  ['trade', 'none', ['trade:btcusdt@trade']],
])('streams by group: %s, book %s', (trades, book, own) => {
  const streams = binance.streams(btc, { trades, book, signed: false });
  const told = streams.map((one) => `${one.group}:${one.name}${one.book ? '*' : ''}`);
  expect(told.toSorted()).toEqual(
    [...own, 'bookTicker:btcusdt@bookTicker', 'depth:btcusdt@kline_1m'].toSorted(),
  );
  expect(streams.every((one) => one.instrument === btc)).toBe(true);
});

test('one address for all streams, in ms or in µs', () => {
  expect(binance.socketUrl('wss://x:9443/', { micros: false })).toBe('wss://x:9443/stream');
  expect(binance.socketUrl('wss://x:9443', { micros: true })).toBe(
    'wss://x:9443/stream?timeUnit=MICROSECOND',
  );
});

function answerOf(value: object): unknown {
  return binance.answerOf(new TextEncoder().encode(JSON.stringify(value)));
}

test('requests, and the answers to them', () => {
  const params = ['btcusdt@trade'];
  expect(JSON.parse(binance.subscribe(params, 7))).toEqual({ method: 'SUBSCRIBE', params, id: 7 });
  expect(JSON.parse(binance.unsubscribe(params, 8))).toEqual({ method: 'UNSUBSCRIBE', params, id: 8 });
  expect(answerOf({ result: null, id: 1 })).toEqual({ id: 1 });
  expect(answerOf({ code: 2, msg: 'Invalid request', id: 1 })).toEqual({
    id: 1,
    error: '2: Invalid request',
  });
  expect(answerOf({ error: { code: 3, msg: 'no' }, id: 'x' })).toEqual({ error: '3: no' });
  expect(answerOf({ result: null })).toBeUndefined();
});
