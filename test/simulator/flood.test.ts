import { describe, expect, test } from 'vitest';
import { connect, get, simulate, streams } from './client.ts';

interface Flooded {
  stream: string;
  data: { t?: number; u?: number; E?: number; T?: number; p?: string };
}

/** Messages that do not follow on the one before them in their stream: by id, by time, or in how they are written. */
function misfits(messages: readonly string[]): string[] {
  const last = new Map<string, Flooded['data']>();
  return messages.filter((text) => {
    const { stream, data } = JSON.parse(text) as Flooded;
    const before = last.get(stream);
    last.set(stream, data);
    if (data.E !== data.T || text !== JSON.stringify({ stream, data })) return true;
    if (before === undefined) return false;
    return (data.t ?? data.u) !== (before.t ?? before.u)! + 1 || (data.E ?? 0) < (before.E ?? 0);
  });
}

describe('a flood', () => {
  test('gives every message once over many rounds, with ids of each stream without a hole, on two connections', async () => {
    const simulator = await simulate({ flood: { symbols: 20, messages: 450_000 }, hold: true });
    const all = await connect(simulator, `/stream?streams=${streams(simulator, ['trade', 'bookTicker'])}`);
    const one = await connect(simulator, '/ws/btcusdt@trade');
    simulator.start();
    const report = await simulator.finished;
    expect(report.balanced).toBe(true);
    expect(report.produced.trade + report.produced.bookTicker).toBe(450_000);
    expect(report.produced.bookTicker / report.produced.trade).toBeCloseTo(3.5, 0);
    const messages = await all.until(450_000);
    expect(messages).toHaveLength(450_000);
    expect(misfits(messages.slice(-20_000))).toEqual([]); // the third round
    expect(misfits(messages.slice(180_000, 220_000))).toEqual([]); // across the seam of two rounds
    const own = messages.filter((text) => text.startsWith('{"stream":"btcusdt@trade"'));
    const bare = await one.until(own.length);
    expect(bare.map((text) => JSON.parse(text).t)).toEqual(own.map((text) => JSON.parse(text).data.t));
  });

  test('of one small subscription is not overwritten while it waits in the socket', async () => {
    const simulator = await simulate({ flood: { symbols: 2, messages: 600_000 }, hold: true });
    const client = await connect(simulator, '/stream?streams=ethusdt@trade');
    client.socket.pause();
    simulator.start();
    await new Promise((resolve) => setTimeout(resolve, 300));
    client.socket.resume();
    const { sent } = await simulator.finished;
    const messages = await client.until(sent.trade);
    expect(misfits(messages)).toEqual([]);
  });

  test('that is paced carries its intended moments in microseconds, evenly, and tells how late it was', async () => {
    const simulator = await simulate({
      flood: { symbols: 10, messages: 4_000, quotesPerTrade: 0, pace: { perSecond: 10_000 } },
      hold: true,
    });
    const client = await connect(
      simulator,
      `/stream?timeUnit=MICROSECOND&streams=${streams(simulator, ['trade'])}`,
    );
    simulator.start();
    const report = await simulator.finished;
    const messages = await client.until(4_000);
    expect(misfits(messages)).toEqual([]);
    const times = messages.map((text) => (JSON.parse(text) as Flooded).data.E!);
    for (let i = 1; i < times.length; i++)
      expect(Math.abs(times[i]! - times[i - 1]! - 100)).toBeLessThanOrEqual(1);
    expect(Math.abs(times[0]! / 1_000 - Date.now())).toBeLessThan(60_000);
    expect(report.lateness!.messages).toBe(4_000);
    expect(report.lateness!.p50Us).toBeLessThanOrEqual(report.lateness!.p99Us);
  });

  test('lists its symbols over REST', async () => {
    const simulator = await simulate({ flood: { symbols: 500, messages: 1 }, hold: true });
    expect((await get(simulator, '/api/v3/exchangeInfo')).body.symbols).toHaveLength(500);
    expect(
      (await get(simulator, '/api/v3/klines?symbol=BTCUSDT&interval=1d&limit=1000')).body.length,
    ).toBeGreaterThan(400);
  });
});
