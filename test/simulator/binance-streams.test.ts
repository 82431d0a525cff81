import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { gzipSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import {
  type Client,
  connect,
  get,
  type Loose,
  scratchFolder,
  sharedData,
  simulate,
  streams,
} from './client.ts';

const startTimeMs = Date.UTC(2026, 4, 4, 12, 0, 0);
const market = { seed: 31, startTimeMs, hold: true, ticksPerSecond: 2_000, speed: 4 } as const;
const documented = join(sharedData, 'binance-ws-payloads.jsonl');

const data = (client: Pick<Client, 'messages'>): Loose[] => client.messages.map((text) => JSON.parse(text));

/** The fields of an event as we know them, checked against the official documents where those are (../shared/data). */
function fieldsOf(event: string, known: readonly string[]): readonly string[] {
  if (!existsSync(documented)) return known;
  const lines = readFileSync(documented, 'utf8').trim().split('\n');
  const row = lines.map((line): Loose => JSON.parse(line)).find(({ payload }) => payload.e === event);
  expect(Object.keys(row.payload)).toEqual(known);
  return known;
}

/** A book by the rules of the venue's documents: price to size. */
class Book {
  readonly bids = new Map<string, string>();
  readonly asks = new Map<string, string>();
  #last: number;

  constructor(snapshot: Loose) {
    this.#last = snapshot.lastUpdateId;
    for (const [price, size] of snapshot.bids) this.bids.set(price, size);
    for (const [price, size] of snapshot.asks) this.asks.set(price, size);
  }

  apply({ U, u, b, a }: Loose): void {
    if (u <= this.#last) return;
    expect(U).toBeLessThanOrEqual(this.#last + 1);
    this.#last = u;
    for (const [side, levels] of [
      [this.bids, b],
      [this.asks, a],
    ] as const)
      for (const [price, size] of levels)
        if (Number(size) === 0) side.delete(price);
        else side.set(price, size);
  }

  best(levels: number): Loose {
    const rows = (side: Map<string, string>, sign: number): [string, string][] =>
      [...side].toSorted(([left], [right]) => sign * (Number(left) - Number(right))).slice(0, levels);
    return { lastUpdateId: this.#last, bids: rows(this.bids, -1), asks: rows(this.asks, 1) };
  }
}

describe('the streams of order books', () => {
  test.each([
    ['depth@100ms', 20],
    ['depth', 20],
    ['depth@100ms', 400],
  ])(
    '@%s of %i levels keeps a book that is equal to every partial book of the same id',
    async (type, levels) => {
      const simulator = await simulate({ ...market, bookLevels: levels });
      const changes = await connect(simulator, `/ws/btcusdt@${type}`);
      const parts = await connect(
        simulator,
        '/stream?streams=btcusdt@depth5@100ms/btcusdt@depth10/btcusdt@depth20@100ms',
      );
      simulator.start();
      await changes.until(2);
      const { body } = await get(simulator, '/api/v3/depth?symbol=BTCUSDT&limit=5000');
      expect([body.bids.length, body.asks.length]).toEqual([levels, levels]);
      await changes.until(changes.messages.length + (type === 'depth' ? 2 : 14));
      // The slow one of the partial books comes once a second: one at least is to be compared.
      const slow = (): Loose =>
        data(parts).find(
          (row) => row.stream.endsWith('depth10') && row.data.lastUpdateId >= body.lastUpdateId,
        );
      while (slow() === undefined) await parts.until(parts.messages.length + 1);
      const least = slow().data.lastUpdateId;
      while (data(changes).at(-1).u < least) await changes.until(changes.messages.length + 1);
      const book = new Book(body);
      const events = data(changes);
      expect(events.slice(1).every(({ U }, i) => U === events[i].u + 1)).toBe(true);
      const known = new Map<number, Loose[]>();
      for (const { data: part } of data(parts))
        known.set(part.lastUpdateId, [...(known.get(part.lastUpdateId) ?? []), part]);
      const compared = new Set<number>();
      for (const event of events) {
        book.apply(event);
        for (const part of known.get(event.u) ?? []) {
          if (event.u < body.lastUpdateId) continue;
          expect(Object.keys(part)).toEqual(['lastUpdateId', 'bids', 'asks']);
          expect(part).toEqual(book.best(part.bids.length));
          compared.add(part.bids.length);
        }
      }
      expect([...compared].toSorted((a, b) => a - b)).toEqual([5, 10, 20]);
      const periodMs = type === 'depth' ? 1_000 : 100;
      expect(events.slice(1).every(({ E }, i) => E % periodMs === 0 && E - events[i].E === periodMs)).toBe(
        true,
      );
    },
  );
});

describe('the streams that speak once a second', () => {
  test('@ticker agrees with @miniTicker, !miniTicker@arr and REST', async () => {
    const simulator = await simulate({ ...market, symbols: 5 });
    const client = await connect(
      simulator,
      `/stream?streams=!miniTicker@arr/${streams(simulator, ['ticker', 'miniTicker'])}`,
    );
    simulator.start();
    await sleep(800);
    const rows = data(client);
    const arrays = rows.filter(({ stream }) => stream === '!miniTicker@arr');
    expect(arrays.length).toBeGreaterThanOrEqual(2);
    for (const { data: all } of arrays) {
      const single = rows.filter(
        ({ stream, data: each }) => stream.endsWith('usdt@miniTicker') && each.E === all[0].E,
      );
      expect(single.map((row) => row.data)).toEqual(all);
    }
    const [ticker] = rows.filter(({ stream }) => stream === 'btcusdt@ticker').slice(-1);
    const [mini] = rows.filter(
      ({ stream, data: each }) => stream === 'btcusdt@miniTicker' && each.E === ticker.data.E,
    );
    const { c, o, h, l, v, q } = ticker.data;
    expect({ c, o, h, l, v, q }).toEqual(
      Object.fromEntries(Object.entries(mini.data).filter(([key]) => 'cohlvq'.includes(key))),
    );
    expect(ticker.data.C - ticker.data.O).toBe(86_400_000);
    expect(ticker.data.L).toBeGreaterThanOrEqual(ticker.data.F);
    expect(Number(ticker.data.b)).toBeLessThan(Number(ticker.data.a));
  });

  test('@ticker and @blockTrade have the fields of the documents; @blockTrade has rising ids of its own and is no part of the trades', async () => {
    const simulator = await simulate({ ...market, symbols: 60 });
    const client = await connect(
      simulator,
      `/stream?timeUnit=MICROSECOND&streams=${streams(simulator, ['blockTrade', 'trade', 'ticker'])}`,
    );
    simulator.start();
    await sleep(1_100);
    const { produced, sent } = simulator.report();
    const come = Object.values(sent).reduce((sum, count) => sum + count, 0);
    const messages = (await client.until(come)).slice(0, come);
    const rows = data({ messages }).map((row) => row.data);
    const blocks = rows.filter(({ e }) => e === 'blockTrade');
    const trades = rows.filter(({ e }) => e === 'trade');
    expect(blocks.length).toBeGreaterThan(0);
    expect(Object.keys(blocks[0])).toEqual(fieldsOf('blockTrade', ['e', 'E', 's', 't', 'p', 'q', 'T', 'm']));
    const ticker = rows.find(({ e }) => e === '24hrTicker');
    expect(Object.keys(ticker)).toEqual(
      fieldsOf('24hrTicker', 'e E s p P w x c Q b B a A o h l v q O C F L n'.split(' ')),
    );
    expect(blocks.every(({ E, T }) => E === T && E > 1e15)).toBe(true);
    for (const { s, t } of blocks) expect(trades.some((trade) => trade.s === s && trade.t === t)).toBe(false);
    expect([produced.blockTrade, produced.trade]).toEqual([blocks.length, trades.length]);
  });
});

describe('a recording of every kind of stream', () => {
  test('is played byte for byte; its best levels are the book; faults can be ordered of it', async () => {
    const live = await simulate({ ...market, symbols: 8 });
    const types = [
      'trade',
      'aggTrade',
      'bookTicker',
      'ticker',
      'miniTicker',
      'blockTrade',
      'depth10',
      'kline_1s',
    ];
    const recorder = await connect(live, `/stream?streams=!miniTicker@arr/${streams(live, types)}`);
    live.start();
    await sleep(700);
    const lines = recorder.messages.slice();
    const file = join(scratchFolder(), 'every.tsv.gz');
    writeFileSync(file, gzipSync(lines.map((text, i) => `${startTimeMs + i}000000\t${text}\n`).join('')));

    const player = await simulate({ recording: { file, speed: 'max' }, hold: true });
    expect(player.listing.map(({ symbol }) => symbol).toSorted()).toEqual(
      live.listing.map(({ symbol }) => symbol).toSorted(),
    );
    const client = await connect(player, `/stream?streams=!miniTicker@arr/${streams(live, types)}`);
    player.command({ kind: 'drop', symbol: 'BTCUSDT', count: 4 });
    player.start();
    const { commands, balanced, recording } = await player.finished;
    expect([commands.drop, balanced, recording?.messages]).toEqual([4, true, lines.length]);
    const dropped = lines.filter((text) => text.includes('"btcusdt@trade"')).slice(0, 4);
    expect(await client.until(lines.length - 4)).toEqual(lines.filter((text) => !dropped.includes(text)));
    const last = lines.findLast((text) => text.includes('"btcusdt@depth10"'))!;
    expect((await get(player, '/api/v3/depth?symbol=BTCUSDT')).body).toEqual(JSON.parse(last).data);
  });
});
