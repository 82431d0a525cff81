/** The part of the venues' exam that is about REST, against a server that answers as the candidate says. */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, expect, test } from 'vitest';
import { RestFault, restDefaults, restPriority, type VenueRest } from '../../src/feeds/venue-rest.ts';
import { barOpen } from '../../src/market/resolution.ts';
import type { Candidate } from './exam-candidate.ts';
import { HandTimers } from './market.ts';

async function faultOf(asked: Promise<unknown>): Promise<string> {
  const error = await asked.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(RestFault);
  return (error as RestFault).kind;
}

const answering = (code: number) => () => ({ status: code, body: '{}', headers: { 'retry-after': '7' } });

type Reply = (path: string) => { status: number; body: string; headers?: Record<string, string> };

/** Opens the venue's REST calls on a server that answers with the candidate's bodies, or as a test says. */
function restOpener({ venue, restBodies }: Candidate) {
  const answered: Reply = (path) => {
    const key = Object.keys(restBodies)
      .toSorted((a, b) => b.length - a.length)
      .find((start) => path.startsWith(start));
    return key === undefined
      ? { status: 404, body: '{"message":"NotFound"}' }
      : { status: 200, body: JSON.stringify(restBodies[key]) };
  };
  let reply = answered;
  const server = createServer((request, response) => {
    const { status, body, headers = {} } = reply(request.url!);
    response.writeHead(status, headers).end(body);
  });
  const ready = new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  afterAll(() => {
    server.closeAllConnections();
    server.close();
  });
  return async (how: Reply = answered): Promise<VenueRest> => {
    await ready;
    reply = how;
    const baseUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const budget = { budget: 1_000, budgetMs: 1_000 };
    return venue.rest({ ...restDefaults, ...budget, baseUrl, timers: new HandTimers() });
  };
}

export function sitRestExam(candidate: Candidate): void {
  const { instruments, now, firstCandle } = candidate;
  const rest = restOpener(candidate);
  const [first] = instruments;

  test('instruments: all that it lists, with the decimals of their steps', async () => {
    const listed = await (await rest()).instruments();
    for (const one of instruments)
      expect(listed.map((other) => ({ ...other, id: one.id }))).toContainEqual(one);
    expect(new Set(listed.map(({ symbol }) => symbol)).size).toBe(listed.length);
  });

  test('candles: rising, within what was asked for, high and low in their places', async () => {
    const asked = await rest();
    const minute = 2;
    expect(asked.candleResolutions).toContain(minute);
    const query = { resolution: minute, limit: 10, priority: restPriority.backfill };
    const from = firstCandle + 60e6;
    const candles = await asked.candles(first, { ...query, from, to: from + 60e6 });
    expect(candles.map(({ openTime }) => openTime)).toEqual([from, from + 60e6]);
    for (const { open, high, low, close, volume, openTime } of candles) {
      expect(barOpen(minute, openTime)).toBe(openTime);
      expect([Math.max(open, close) <= high, Math.min(open, close) >= low, high > low]).toEqual([
        true,
        true,
        true,
      ]);
      expect(volume).toBeGreaterThan(0n);
    }
    const two = await asked.candles(first, { ...query, limit: 2, from: firstCandle });
    expect(two.map(({ openTime }) => openTime)).toEqual([firstCandle, firstCandle + 60e6]);
    const fiveSeconds = 1;
    expect(await faultOf(asked.candles(first, { ...query, resolution: fiveSeconds }))).toBe('refused');
  });

  test('scenario 14: trades by id: rising, none twice, none outside', async () => {
    const trades = await (await rest()).trades(first, 'trade', 6, 8);
    expect(trades.map(({ id }) => id)).toEqual([6, 7, 8]);
    expect(trades[1]).toMatchObject({
      price: 6_183_763,
      size: 2_000,
      takerSold: true,
      firstId: 7,
      lastId: 7,
    });
    expect(await (await rest()).trades(first, 'trade', 1, 3)).toEqual([]);
  });

  test('a book: best first, never crossed', async () => {
    const book = await (await rest()).book(first, 2, restPriority.book);
    expect([...book.bids]).toEqual([6_183_763, 150_000, 6_183_760, 200_000]);
    expect([...book.asks]).toEqual([6_183_764, 100_000, 6_183_765, 300_000]);
    expect(book.lastId).toBeGreaterThan(0);
  });

  test('time, within its unit', async () => {
    expect(Math.abs((await (await rest()).time()) - now)).toBeLessThan(1e6);
  });

  test('what it refuses, and what is none of its answers, is told apart', async () => {
    expect(await faultOf((await rest(answering(404))).time())).toBe('refused');
    expect(await faultOf((await rest(answering(429))).time())).toBe('limited');
    expect(await faultOf((await rest(answering(418))).time())).toBe('banned');
    expect(await faultOf((await rest(answering(503))).time())).toBe('unreachable');
    expect(await faultOf((await rest(() => ({ status: 200, body: '<html>' }))).instruments())).toBe(
      'malformed',
    );
    expect(await faultOf((await rest(() => ({ status: 200, body: '{"a":1}' }))).book(first, 5, 0))).toBe(
      'malformed',
    );
  });
}
