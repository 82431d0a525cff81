import { describe, expect, test } from 'vitest';
import { type Client, connect, get, type Loose, simulate, streams } from './client.ts';

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

  test('that is paced is the same on every connection, joins in where it is, and REST has what was missed', async () => {
    const perSecond = 25_000; // on each of two lines: 50,000 in all
    const simulator = await simulate({
      flood: { symbols: 10, messages: perSecond * 2, pace: { perSecond } },
      startTimeMs: Date.UTC(2026, 0, 1),
      hold: true,
      limits: { binance: { connects: { most: 0, withinMs: 0 }, restBudget: 0 } },
    });
    const path = `/stream?streams=${streams(simulator, ['trade', 'bookTicker'])}`;
    const steady = await connect(simulator, path);
    const line: Client[] = [await connect(simulator, path)];
    simulator.start();
    const played = { over: false };
    const finished = simulator.finished.finally(() => (played.over = true));
    let kills = 0;
    while (!played.over && kills < 8) {
      await Promise.race([line.at(-1)!.until(3_000), finished]);
      if (played.over) break; // on a busy machine the flood may be played before all kills
      simulator.command({ kind: 'kill', connection: 1 });
      kills++;
      expect(await line.at(-1)!.closed).toBe(1006);
      line.push(await connect(simulator, path));
    }
    const report = await finished;
    expect([report.balanced, report.commands.kill]).toEqual([true, kills]);
    expect(kills).toBeGreaterThan(0);
    const all = await steady.until(perSecond * 2);
    expect(misfits(all)).toEqual([]);
    const place = new Map(all.map((text, i) => [text, i]));
    let next = 0;
    for (const { messages } of line.filter((client) => client.messages.length > 0)) {
      const first = place.get(messages[0]!)!;
      expect(first).toBeGreaterThanOrEqual(next);
      expect(messages).toEqual(all.slice(first, first + messages.length));
      next = first + messages.length;
    }
    const trades = all
      .map((text) => JSON.parse(text).data)
      .filter(({ s, t }) => s === 'ETHUSDT' && t !== undefined);
    const { body } = await get(
      simulator,
      `/api/v3/historicalTrades?symbol=ETHUSDT&fromId=${trades[100].t}&limit=500`,
    );
    expect(
      body.map(({ id, price, qty, time, isBuyerMaker }: Loose) => [id, price, qty, time, isBuyerMaker]),
    ).toEqual(trades.slice(100, 600).map(({ t, p, q, T, m }) => [t, p, q, T, m]));
  });

  test('that is paced is the same in every run of a seed and start time, faults of the script included', async () => {
    const runs: string[][] = [];
    for (let run = 0; run < 2; run++) {
      const simulator = await simulate({
        flood: { symbols: 3, messages: 3_000, pace: { perSecond: 10_000 } },
        startTimeMs: Date.UTC(2026, 0, 1),
        hold: true,
        script: [{ afterMs: 100, command: { kind: 'drop', symbol: 'BTCUSDT', count: 5 } }],
      });
      const client = await connect(simulator, `/ws/${streams(simulator, ['trade', 'bookTicker'])}`);
      simulator.start();
      const { commands } = await simulator.finished;
      expect(commands.drop).toBe(5);
      runs.push(await client.until(2_995));
    }
    expect(runs[1]).toEqual(runs[0]);
  });
});
