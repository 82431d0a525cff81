/** The whole way in, over real sockets: venue → feed → hub → rings. */
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import { WebSocketServer } from 'ws';
import { connectionDefaults } from '../../src/feeds/connection.ts';
import { Feed, type FeedOptions } from '../../src/feeds/feed.ts';
import { LiveClock } from '../../src/feeds/live-clock.ts';
import { recordedTimes } from '../../src/feeds/normaliser.ts';
import { venues } from '../../src/feeds/registry.ts';
import { steadyTimers } from '../../src/feeds/timers.ts';
import { restDefaults } from '../../src/feeds/venue-rest.ts';
import { dealInstruments, Hub, hubDefaults } from '../../src/hub/hub.ts';
import { EventClock, type MarketClock } from '../../src/market/clock.ts';
import { enrol } from '../../src/market/directory.ts';
import type { Instrument } from '../../src/market/instrument.ts';
import type { Simulator, SimulatorOptions } from '../../src/simulator/options.ts';
import { startSimulator } from '../../src/simulator/simulator.ts';
import { doorbell } from '../../src/wire/doorbell.ts';
import { tickField, tickFlag, tickKind } from '../../src/wire/tick-record.ts';
import { TickReader, TickWriter, tickRingMemory } from '../../src/wire/tick-ring.ts';
import { imbalance } from '../hub/hub-books.ts';
import { feedImbalance } from './feed-books.ts';
import {
  dice,
  hasData,
  instruments,
  now,
  options,
  quoteText,
  recorded,
  seed,
  tradeText,
  until,
} from './market.ts';

const closers: (() => Promise<unknown> | void)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).toReversed()) await close();
});

interface Tick {
  readonly head: number;
  readonly kind: number;
  readonly instrument: number;
  readonly time: number;
  readonly received: number;
  readonly id: number;
  readonly price: number;
  readonly size: number;
  readonly ask: number;
  readonly askSize: number;
}

/** Feed, hub and one ring that is read after every turn. */
function line(
  wsUrl: string,
  listed: readonly Instrument[],
  clock: MarketClock,
  changes: Partial<FeedOptions> = {},
) {
  const memory = tickRingMemory(65_536);
  const hub = new Hub({
    ...hubDefaults,
    writers: [new TickWriter(memory, doorbell())],
    shardOf: dealInstruments(Math.max(...listed.map(({ id }) => id)) + 10, 1),
    clock,
    clockMs: 3_600_000,
  });
  const feed = new Feed({
    venue: venues.binance,
    instruments: listed,
    wsUrl,
    tradesOf: () => 'trade',
    plausible: { around: 'receipt', pastMicros: 43_200e6, futureMicros: 60e6 },
    clock,
    timers: steadyTimers,
    roll: dice(seed),
    lines: 1,
    maxConnections: 4,
    limits: connectionDefaults,
    sink: (records, count) => hub.take(records, count),
    ...changes,
  });
  hub.attach(feed);
  closers.push(
    () => hub.close(),
    () => feed.close(),
  );
  const reader = new TickReader(memory);
  const ticks: Tick[] = [];
  const others: number[] = [];
  let records = 0;
  const read = (): Tick[] => {
    hub.flush();
    const { halves, words } = reader.records;
    let position = reader.head;
    for (let n = reader.waiting; n > 0; n--, position = (position + 1) | 0) {
      const slot = reader.slotOf(position);
      const at = slot * 8;
      const head = halves[at * 2]!;
      const kind = head & 0xff;
      if (kind === tickKind.clock) continue;
      records++;
      // Trades and quotes; the feed's own records and heartbeats are counted only.
      if (kind !== tickKind.trade && kind !== tickKind.quote) {
        others.push(kind);
        continue;
      }
      ticks.push({
        head,
        kind,
        instrument: halves[at * 2 + tickField.instrument]!,
        time: words[at + tickField.time]!,
        received: words[at + tickField.received]!,
        id: words[at + tickField.id]!,
        price: words[at + tickField.price]!,
        size: words[at + tickField.size]!,
        ask: words[at + tickField.ask]!,
        askSize: words[at + tickField.askSize]!,
      });
    }
    reader.take(position);
    reader.release(position);
    return ticks;
  };
  feed.start();
  return { feed, hub, read, others, records: () => records };
}

/** Every stage's books balance, and what left one came into the next. */
function expectBalance({ feed, hub, read, records }: ReturnType<typeof line>): void {
  read();
  const { account } = feed.health();
  expect(feedImbalance(account)).toBeUndefined();
  expect(imbalance(hub.account())).toBeUndefined();
  expect(hub.account()).toMatchObject({
    taken: account.records,
    pushed: records(),
    conflated: 0,
    waiting: 0,
    dropped: 0,
  });
}

async function simulate(
  simulatorOptions: SimulatorOptions,
): Promise<{ simulator: Simulator; listed: readonly Instrument[] }> {
  const simulator = await startSimulator(simulatorOptions);
  closers.push(() => simulator.close());
  const rest = venues.binance.rest({
    ...restDefaults,
    baseUrl: simulator.restUrl,
    timers: steadyTimers,
    budget: 4_800,
    budgetMs: 60_000,
  });
  const { instruments: listed } = enrol(
    { epoch: 1, version: 0, instruments: [] },
    'BINANCE',
    await rest.instruments(),
  );
  return { simulator, listed };
}

const connected = (feed: Feed): boolean => feed.health().connections.every(({ missing }) => missing === 0);

/** A venue that grants every stream and tells every socket the same. */
async function echo(): Promise<{ wsUrl: string; tell: (text: string) => void }> {
  const server = new WebSocketServer({ host: '127.0.0.1', port: 0 });
  await new Promise((resolve) => server.once('listening', resolve));
  closers.push(() => {
    for (const client of server.clients) client.terminate();
    server.close();
  });
  const streams = new Map<object, string[]>();
  server.on('connection', (socket) =>
    socket.on('message', (data) => {
      const { params, id } = JSON.parse((data as Buffer).toString()) as { params: string[]; id: number };
      streams.set(socket, [...(streams.get(socket) ?? []), ...params]);
      socket.send(JSON.stringify({ result: null, id }));
    }),
  );
  const tell = (text: string): void => {
    const { stream } = JSON.parse(text) as { stream: string };
    for (const client of server.clients)
      if (streams.get(client)?.includes(stream) === true) client.send(text);
  };
  return { wsUrl: `ws://127.0.0.1:${(server.address() as AddressInfo).port}`, tell };
}

describe('sockets and lines', () => {
  test('trades, aggregates and quotes have sockets of their own; too many are refused in words', async () => {
    const venue = await echo();
    const { feed } = line(venue.wsUrl, instruments, { now: () => now }, { tradesOf: options().tradesOf });
    await until(() => connected(feed), 'the subscriptions');
    expect(feed.health().connections.map(({ name, streams }) => [name, streams])).toEqual([
      ['BINANCE trade', 11],
      ['BINANCE bookTicker', 12],
      ['BINANCE depth', 12],
      ['BINANCE aggTrade', 1],
    ]);
    const many = Array.from({ length: 3_000 }, (_, i) => ({
      ...instruments[0]!,
      id: i + 1,
      native: `S${i}USDT`,
    }));
    expect(() => line(venue.wsUrl, many, { now: () => now })).toThrow(
      '3000 instruments need 9 connections, and 4 are allowed',
    );
  });

  test('scenario 12: two lines bring each tick twice, the second one marked, for the shard to arbitrate', async () => {
    const venue = await echo();
    const made = line(venue.wsUrl, instruments, { now: () => now }, { lines: 2 });
    const { feed, read } = made;
    await until(() => connected(feed), 'the subscriptions');
    expect(feed.health().connections.length).toBe(6);
    for (let t = 1; t <= 50; t++) {
      venue.tell(tradeText({ t }));
      venue.tell(quoteText({ u: t }));
    }
    await until(() => read().length === 200, 'all ticks of both lines');
    for (const kind of [tickKind.trade, tickKind.quote]) {
      for (const flag of [0, tickFlag.lineB]) {
        const ids = read().filter((tick) => tick.kind === kind && (tick.head & tickFlag.lineB) === flag);
        expect(ids.map(({ id }) => id)).toEqual(Array.from({ length: 50 }, (_, i) => i + 1));
      }
    }
    expectBalance(made);
  });

  test('what is tapped is what came, with its line', async () => {
    const venue = await echo();
    const tapped: [string, number][] = [];
    const tap = (bytes: Uint8Array, one: 0 | 1): void =>
      void tapped.push([Buffer.from(bytes).toString(), one]);
    const { feed } = line(venue.wsUrl, instruments, { now: () => now }, { lines: 2, tap });
    await until(() => connected(feed), 'the subscriptions');
    venue.tell(tradeText());
    await until(() => tapped.filter(([text]) => text === tradeText()).length === 2, 'both lines');
    expect(tapped.length).toBe(feed.health().account.messages);
    expect(new Set(tapped.map(([, one]) => one))).toEqual(new Set([0, 1]));
  });

  test('scenario 23: new metadata is used from the next message on, and told in the stream before it', async () => {
    const venue = await echo();
    const made = line(venue.wsUrl, instruments, { now: () => now });
    const { feed, read, others } = made;
    await until(() => connected(feed), 'the subscriptions');
    venue.tell(tradeText({ p: '1.001' }));
    await until(() => feed.health().account.refused.tooPrecise === 1, 'the refusal');
    feed.adopt(instruments.map((one) => ({ ...one, priceDecimals: 3 })));
    venue.tell(tradeText({ p: '1.001' }));
    await until(() => read().length === 1, 'the tick');
    expect(read()[0]!.price).toBe(1_001);
    const rescaled = instruments.filter(({ priceDecimals }) => priceDecimals !== 3).length;
    expect(others.filter((kind) => kind === tickKind.rescale).length).toBe(rescaled);
    expect(feed.health().connections.every(({ connects }) => connects === 1)).toBe(true);
    expectBalance(made);
  });

  test('scenario 23: an instrument that is listed no more is let go, a new one may be wanted, others go on', async () => {
    const venue = await echo();
    const made = line(venue.wsUrl, instruments.slice(0, 3), { now: () => now });
    const { feed, read } = made;
    await until(() => connected(feed), 'the subscriptions');
    const [first, , third] = instruments;
    const fresh = { ...first!, id: 13, native: 'NEWUSDT', symbol: 'BINANCE:NEWUSDT' };
    feed.adopt([first!, third!, fresh]);
    expect([feed.isWanted(1), feed.isWanted(2), feed.want(2), feed.want(13)]).toEqual([
      true,
      false,
      false,
      true,
    ]);
    await until(() => connected(feed), 'the new one');
    venue.tell(tradeText({ s: 'NEWUSDT', t: 5 }, 'newusdt@trade'));
    venue.tell(tradeText({ t: 6 }));
    await until(() => read().length === 2, 'both');
    expect(read().map(({ instrument, id }) => [instrument, id])).toEqual([
      [13, 5],
      [1, 6],
    ]);
    expect(feed.health().lines[0]!.wanted).toBe(9);
  });
});

describe('with the simulator', () => {
  test('a flood over 50 symbols: all of it arrives, and every stage’s books balance', async () => {
    const messages = 60_000;
    const { simulator, listed } = await simulate({ seed: 7, flood: { symbols: 50, messages }, hold: true });
    const made = line(simulator.wsUrl, listed, new LiveClock());
    const { feed, read } = made;
    await until(() => connected(feed), 'the subscriptions');
    simulator.start();
    const report = await simulator.finished;
    await until(() => read().length >= report.sent.trade + report.sent.bookTicker, 'the flood');
    expect(read().filter(({ kind }) => kind === tickKind.trade).length).toBe(report.sent.trade);
    expect(read().length).toBe(messages);
    expectBalance(made);
    expect(feed.health().account.refused).toEqual(
      Object.fromEntries(Object.keys(feed.health().account.refused).map((key) => [key, 0])),
    );
  });

  test.skipIf(!hasData('binance-spot-btcusdt-2024-08-08.tsv.gz'))(
    'a recording: every trade once and in order, the market’s clock is the recording’s',
    async () => {
      const name = 'binance-spot-btcusdt-2024-08-08.tsv.gz';
      const file = join(import.meta.dirname, '../../../shared/data', name);
      const { simulator, listed } = await simulate({ recording: { file, speed: 'max' }, hold: true });
      const clock = new EventClock();
      const { firstMs, lastMs } = simulator.range!;
      const [from, to] = [Math.floor(firstMs * 1_000), Math.ceil(lastMs * 1_000)];
      clock.advanceTo(from);
      const made = line(simulator.wsUrl, listed, clock, {
        eventClock: clock,
        plausible: recordedTimes(from, to),
      });
      const { feed, read } = made;
      await until(() => connected(feed), 'the subscriptions');
      // One socket for all, so that trades and quotes come in the order of the recording.
      expect(feed.health().connections.length).toBe(1);
      const wanted = recorded(name).filter(({ text }) => text.includes('@trade"'));
      const trades = (): Tick[] => read().filter(({ kind }) => kind === tickKind.trade);
      simulator.start();
      await until(() => read().length >= wanted.length + 73_174, 'the recording');
      expect((await simulator.finished).sent).toMatchObject({ trade: wanted.length, bookTicker: 73_174 });
      const sent = wanted.map(({ text }) => JSON.parse(text).data as { t: number; T: number });
      expect(trades().map(({ id }) => id)).toEqual(sent.map(({ t }) => t));
      expect(clock.now()).toBe(Math.max(...sent.map(({ T }) => T)) * 1_000);
      for (const { time, received } of read())
        if (received < time || received < from || received > to) throw new Error('received outside');
      expectBalance(made);
    },
  );

  test('scenario 19, 20: garbage among the ticks is refused by reason; what passes is sound, and the feed lives', async () => {
    const { simulator, listed } = await simulate({
      seed: 11,
      symbols: 20,
      ticksPerSecond: 4_000,
      faults: { garbage: 0.03, duplicate: 0.01, disconnect: 0.0001 },
    });
    const made = line(simulator.wsUrl, listed, new LiveClock(), {
      limits: { ...connectionDefaults, backoff: { firstMs: 20, mostMs: 50, healthyMs: 60_000 } },
    });
    const { feed, read } = made;
    const refusals = (): number => Object.values(feed.health().account.refused).reduce((a, b) => a + b, 0);
    await until(() => refusals() > 150 && read().length > 3_000, 'enough of both');
    const { account, connections } = feed.health();
    expect(Object.values(account.refused).filter((count) => count > 0).length).toBeGreaterThan(7);
    expect(
      connections.reduce((sum, { ended }) => sum + ended.garbage + ended['too-large'], 0),
    ).toBeGreaterThan(0);
    await feed.close();
    expectBalance(made);
    for (const tick of read()) {
      const { priceDecimals } = listed[tick.instrument - 1]!;
      const numbers = [tick.time, tick.received, tick.id, tick.price, tick.size, tick.ask, tick.askSize];
      if (!numbers.every((number) => Number.isSafeInteger(number) && number >= 0))
        throw new Error(JSON.stringify(tick));
      if (tick.price <= 0 || tick.price > 1e7 * 10 ** priceDecimals) throw new Error(JSON.stringify(tick));
      if (tick.kind === tickKind.quote && tick.price >= tick.ask) throw new Error(JSON.stringify(tick));
    }
  });
});
