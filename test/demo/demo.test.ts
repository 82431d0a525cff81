/** The demo as a user gets it: started from the command line, seen from outside. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { connect, type TickwireClient } from '../../src/client/client.ts';
import { DemoProcess, removeFolder, temporaryFolder } from './demo-process.ts';
import { until } from './watching.ts';

let folder: string;
let running: DemoProcess | undefined;
let client: TickwireClient | undefined;

beforeEach(() => {
  folder = temporaryFolder();
});
afterEach(() => {
  client?.close();
  running?.kill();
  removeFolder(folder);
});

async function start(...given: string[]): Promise<DemoProcess> {
  running = await DemoProcess.start(['--port', '0', '--data', folder, '--set', 'workers.count=2', ...given]);
  return running;
}

interface SeenTrade {
  readonly id: number;
  readonly time: number;
}

/** Subscribes to trades and gathers them by symbol; snapshots, which are older trades, are left out. */
async function watchTrades(url: string, symbols: readonly string[]): Promise<Map<string, SeenTrade[]>> {
  const seen = new Map<string, SeenTrade[]>(symbols.map((symbol) => [symbol, []]));
  client?.close();
  const opened = connect(url);
  client = opened;
  opened.on('trades', (batch) => {
    if (batch.snapshot) return;
    const trades = seen.get(opened.dictionary.get(batch.instrument)!.symbol)!;
    for (let i = 0; i < batch.count; i++) trades.push({ id: batch.id[i]!, time: batch.time[i]! });
  });
  await opened.subscribe(symbols, { channels: ['trades'] });
  return seen;
}

/** More than ten trades of each symbol. */
function enough(seen: Map<string, SeenTrade[]>): boolean {
  return [...seen.values()].every((trades) => trades.length > 10);
}

/** What shards count in health, added up; empty until it has been told first. */
async function inShards(demo: DemoProcess): Promise<Record<string, number>> {
  const health = (await (await fetch(`${demo.url}api/v1/health`)).json()) as {
    shards?: readonly Record<string, number>[];
  };
  const sums: Record<string, number> = {};
  for (const [name, count] of (health.shards ?? []).flatMap(Object.entries<number>)) {
    sums[name] = (sums[name] ?? 0) + count;
  }
  return sums;
}

type TextBar = Record<string, string>;

/** Bars with their numbers as the digits that were sent. */
async function bars(demo: DemoProcess, symbol: string, query: string): Promise<TextBar[]> {
  const answer = await fetch(`${demo.url}api/v1/symbols/${symbol}/bars?${query}`);
  const text = await answer.text();
  if (!answer.ok) throw new Error(`bars of ${symbol}: ${text}`);
  const asTexts = text.replaceAll(/:(-?\d[\d.]*|true|false)(?=[,}])/g, ':"$1"');
  return (JSON.parse(asTexts) as { bars: TextBar[] }).bars;
}

/** 14025.27309250 and 14025.2730925 are the same number. */
function plain(decimal: string): string {
  return decimal.includes('.') ? decimal.replace(/\.?0+$/, '') : decimal;
}

describe('the demo on its simulated market', () => {
  const ofBinance = ['BINANCE:BTCUSDT', 'BINANCE:ETHUSDT', 'BINANCE:SOLUSDT'];

  test('one screen says what runs where, and there is live data soon', async () => {
    const demo = await start();
    expect(demo.stdout.split('\n').length).toBeLessThanOrEqual(24);
    expect(demo.stdout).toContain(`ws://localhost:${demo.port}/api/v1/ws?protocol=v2`);
    expect(demo.stdout).toContain(`http://localhost:${demo.port}/api/v1/symbols`);
    // `--symbols` counts Binance's; the others list what they have of the same assets.
    expect(demo.stdout).toMatch(/binance +simulated market, 24 symbols/);
    expect(demo.stdout).toMatch(/coinbase +simulated market, \d+ symbols/);
    expect(demo.stdout).toMatch(/backpack +simulated market, \d+ symbols/);
    expect(demo.stdout).toMatch(/data +\S*market\.db/);
    const seen = await watchTrades(demo.socketUrl, ofBinance);
    const isLive = (): boolean => [...seen.values()].every((trades) => trades.length > 0);
    // Asked for are 10 s from the command on. It took 5 s on a busy machine; here other tests may run beside it.
    await until(isLive, 30_000, 'a trade of each symbol');
    const listed = (await (await fetch(`${demo.url}api/v1/symbols`)).json()) as { symbol: string }[];
    expect(listed.map(({ symbol }) => symbol)).toEqual(expect.arrayContaining(ofBinance));
    const venues = Map.groupBy(listed, ({ symbol }) => symbol.split(':')[0]);
    expect(venues.get('BINANCE')).toHaveLength(24);
    expect(new Set(venues.keys())).toEqual(new Set(['BINANCE', 'COINBASE', 'BACKPACK', 'INDEX']));
    expect(listed).toHaveLength(70);
    expect((await fetch(`${demo.url}api/v1/health`)).status).toBe(200);
    expect(client!.counts).toMatchObject({ faults: {}, jumps: 0, repeated: 0 });
    expect(await demo.stop()).toBe(0);
    expect(demo.stderr).toBe('');
  });

  test('stopped and started again it goes on: ids and times rise, bars from before are there', async () => {
    const symbols = [...ofBinance, 'COINBASE:BTC-USD', 'BACKPACK:BTC_USDC'];
    const first = await start();
    const before = await watchTrades(first.socketUrl, symbols);
    await until(() => enough(before), 20_000, 'trades of the first run');
    await until(() => spanMs(before) > 3_000, 20_000, 'three seconds of trades');
    await new Promise((resolve) => setTimeout(resolve, 1_000));
    const kept = await closedBars(first);
    expect(await first.stop()).toBe(0);

    const second = await start();
    const after = await watchTrades(second.socketUrl, symbols);
    await until(() => enough(after), 20_000, 'trades of the second run');
    for (const symbol of symbols) {
      const last = before.get(symbol)!.at(-1)!;
      for (const trade of after.get(symbol)!) {
        expect(trade.id).toBeGreaterThan(last.id);
        expect(trade.time).toBeGreaterThanOrEqual(last.time);
      }
    }
    const there = new Map((await closedBars(second)).map((bar) => [bar['time'], bar]));
    expect(kept.length).toBeGreaterThanOrEqual(2);
    // The last of them may have been amended by trades that came after we asked.
    for (const bar of kept.slice(0, -1)) expect(there.get(bar['time'])).toEqual(bar);
    // What was traded meanwhile is asked for over REST: of no venue a trade is lost.
    let counts: Record<string, number> = {};
    await until(
      async () => {
        counts = await inShards(second);
        return counts['gaps']! > 0 && counts['gapIds'] === counts['tradesLate'];
      },
      20_000,
      'every trade of the time between, of every venue',
    );
    expect(counts['idsLost']).toBe(0);
    expect(await second.stop()).toBe(0);
    expect(second.stderr).toBe('');
  });

  function spanMs(seen: Map<string, SeenTrade[]>): number {
    const trades = seen.get(ofBinance[0]!)!;
    return (trades.at(-1)!.time - trades[0]!.time) / 1_000;
  }

  async function closedBars(demo: DemoProcess): Promise<TextBar[]> {
    return (await bars(demo, ofBinance[0]!, 'resolution=1s&limit=500')).filter(
      ({ closed }) => closed === 'true',
    );
  }
});

const recording = join(import.meta.dirname, '../../../shared/data/binance-spot-btcusdt-2024-08-08.tsv.gz');
const sessionTrades = 19_904;
const lengths = { '1s': 1_000, '5s': 5_000, '1m': 60_000, '5m': 300_000 } as const;

interface TradeMessage {
  readonly data: {
    readonly t: number;
    readonly p: string;
    readonly q: string;
    readonly T: number;
    readonly m: boolean;
  };
}

/** The trades of a recording as text: id, price, size, time (ms), whether the taker sold. */
function recordedTrades(file: string): string[] {
  const lines = gunzipSync(readFileSync(file)).toString().split('\n');
  const messages = lines
    .filter((line) => line.includes('@trade"'))
    .map((line) => line.slice(line.indexOf('\t') + 1));
  return messages.map((message) => {
    const { t, p, q, T, m } = (JSON.parse(message) as TradeMessage).data;
    return `${t} ${plain(p)} ${plain(q)} ${T} ${m}`;
  });
}

/** A row of the reference bars in our names. */
function referenceBars(ms: number): TextBar[] {
  const file = recording.replace('.tsv.gz', `.bars-${ms}ms.csv`);
  const [, ...rows] = readFileSync(file, 'utf8').trim().split('\n');
  return rows.map((row) => {
    const field = row.split(',');
    const [time, open, high, low, close, volume, , quoteVolume, trades, takerBuyVolume, takerBuyQuoteVolume] =
      field;
    const prices = { open, high, low, close, volume, quoteVolume, takerBuyVolume, takerBuyQuoteVolume };
    const texts = Object.entries(prices).map(([name, decimal]) => [name, plain(decimal!)]);
    const [firstId, lastId] = field.slice(11);
    return {
      ...Object.fromEntries(texts),
      time: String(Number(time) / 1_000),
      trades: trades!,
      firstId: firstId!,
      lastId: lastId!,
    };
  });
}

/** Bars up to the one that ends with this trade: what still forms is written once a second. */
async function untilLast(demo: DemoProcess, resolution: string, lastId: string): Promise<TextBar[]> {
  for (const end = Date.now() + 10_000; ; await new Promise((resolve) => setTimeout(resolve, 100))) {
    const shown = await bars(demo, 'BTCUSDT', `resolution=${resolution}&limit=5000`);
    if (shown.at(-1)?.['lastId'] === lastId || Date.now() > end) return shown;
  }
}

describe.skipIf(!existsSync(recording))(
  'the demo on a recorded session (skipped without ../shared/data)',
  () => {
    test('as fast as it goes: every trade exactly once, the bars equal the reference, the accounting balances', async () => {
      const demo = await start('--recording', recording, '--speed', 'max');
      const got: string[] = [];
      const opened = connect(demo.socketUrl);
      client = opened;
      opened.on('trades', (batch) => {
        const { dictionary } = opened;
        for (let i = 0; i < batch.count; i++) {
          const price = plain(dictionary.priceText(batch.instrument, batch.price[i]!));
          const size = plain(dictionary.sizeText(batch.instrument, batch.size[i]!));
          got.push(
            `${batch.id[i]} ${price} ${size} ${batch.time[i]! / 1_000} ${(batch.flags[i]! & 1) !== 0}`,
          );
        }
      });
      await opened.subscribe(['BTCUSDT'], { channels: ['trades'] });
      await demo.says(/The recording has been played/, 40_000);
      await until(() => got.length >= sessionTrades, 10_000, `all trades: ${got.length} have come`);
      expect(got).toEqual(recordedTrades(recording));
      expect(new Set(got.map((trade) => Number(trade.split(' ')[0]))).size).toBe(sessionTrades);
      expect(opened.counts).toMatchObject({ faults: {}, jumps: 0, repeated: 0, skipped: 0 });

      for (const [resolution, ms] of Object.entries(lengths)) {
        const expected = referenceBars(ms);
        const shown = await untilLast(demo, resolution, expected.at(-1)!['lastId']!);
        const same = Object.keys(expected[0]!);
        const picked = shown.map((bar) => Object.fromEntries(same.map((name) => [name, plain(bar[name]!)])));
        expect({ resolution, bars: picked }).toEqual({ resolution, bars: expected });
      }

      await demo.says(/all \d+ stages balance ✓/, 10_000);
      // A recording can wait: not one quote gives way to a newer one.
      await demo.says(/hub: .* conflated 0 \+ waiting 0 \+ dropped 0 ✓/, 1_000);
      expect(demo.stdout).not.toContain('✗');
      expect(demo.stdout).toMatch(/\b19,904\b/);
      expect(await demo.stop()).toBe(0);
      expect(demo.stderr).toBe('');
    });
  },
);
