/** The hub against real rings whose shard is played by the test: it reads when it wants to. */
import { afterEach, describe, expect, test } from 'vitest';
import { dealInstruments, Hub, type HubOptions, hubDefaults } from '../../src/hub/hub.ts';
import { Lane } from '../../src/hub/lane.ts';
import { kept, Overflow } from '../../src/hub/overflow.ts';
import { EventClock } from '../../src/market/clock.ts';
import { doorbell } from '../../src/wire/doorbell.ts';
import { type TickRecords, tickField, tickFlag, tickKind, tickRecords } from '../../src/wire/tick-record.ts';
import { TickReader, TickWriter, tickRingMemory } from '../../src/wire/tick-ring.ts';
import { dice, seed } from '../feeds/market.ts';
import { imbalance } from './hub-books.ts';

const hubs: Hub[] = [];
afterEach(() => {
  for (const hub of hubs.splice(0)) hub.close();
});

interface Seen {
  readonly kind: number;
  readonly instrument: number;
  readonly id: number;
  readonly flush: boolean;
}

/** A shard that takes what it is told to take. */
class Shard {
  readonly seen: Seen[] = [];
  readonly #reader: TickReader;

  constructor(memory: SharedArrayBuffer) {
    this.#reader = new TickReader(memory);
  }

  get published(): number {
    return this.#reader.waiting;
  }

  read(most = Number.POSITIVE_INFINITY): void {
    const reader = this.#reader;
    let position = reader.head;
    for (let n = Math.min(most, reader.waiting); n > 0; n--, position = (position + 1) | 0) {
      const slot = reader.slotOf(position);
      const head = reader.records.halves[slot * 16 + tickField.head]!;
      this.seen.push({
        kind: head & 0xff,
        instrument: reader.records.halves[slot * 16 + tickField.instrument]!,
        id: reader.records.words[slot * 8 + tickField.id]!,
        flush: (head & tickFlag.flush) !== 0,
      });
    }
    reader.take(position);
    reader.release(position);
  }
}

function build(changes: Partial<HubOptions> = {}, { shards = 2, capacity = 64, instruments = 6 } = {}) {
  const memories = Array.from({ length: shards }, () => tickRingMemory(capacity));
  const clock = new EventClock();
  clock.advanceTo(1_000_000);
  const hub = new Hub({
    ...hubDefaults,
    writers: memories.map((memory) => new TickWriter(memory, doorbell())),
    shardOf: dealInstruments(instruments, shards),
    clock,
    // Only the turns matter here; the tests that need the timers set them.
    clockMs: 3_600_000,
    retryMs: 3_600_000,
    ...changes,
  });
  hubs.push(hub);
  return { hub, shards: memories.map((memory) => new Shard(memory)), clock };
}

const one = tickRecords(1);
function record(kind: number, instrument: number, id: number): TickRecords {
  one.halves[tickField.head] = kind;
  one.halves[tickField.instrument] = instrument;
  one.words.fill(id, 1);
  return one;
}
const trade = (instrument: number, id: number): TickRecords => record(tickKind.trade, instrument, id);
const quote = (instrument: number, id: number): TickRecords => record(tickKind.quote, instrument, id);
const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

describe('a turn', () => {
  test('is gathered: nothing is seen before it ends, then all, the last record marked, each shard its own', async () => {
    const { hub, shards } = build();
    for (let id = 1; id <= 12; id++) hub.take(trade(1 + (id % 6), id), 1);
    expect(shards.map((shard) => shard.published)).toEqual([0, 0]);
    await turn();
    for (const shard of shards) shard.read();
    expect(shards[0]!.seen.map(({ instrument }) => instrument)).toEqual([3, 5, 1, 3, 5, 1]);
    expect(shards[1]!.seen.map(({ instrument }) => instrument)).toEqual([2, 4, 6, 2, 4, 6]);
    for (const { seen } of shards)
      expect(seen.map(({ flush }) => flush)).toEqual([false, false, false, false, false, true]);
    expect(imbalance(hub.account())).toBeUndefined();
  });

  test('of very many records is published on the way', () => {
    const { hub, shards } = build({ publishAt: 8 }, { shards: 1 });
    for (let id = 1; id <= 20; id++) hub.take(trade(1, id), 1);
    expect(shards[0]!.published).toBe(16);
  });

  test('shards hear the time when nothing else comes, by the market’s clock', async () => {
    const { hub, shards, clock } = build({ clockMs: 5 });
    clock.advanceTo(7_000_000);
    await new Promise((resolve) => setTimeout(resolve, 60));
    for (const shard of shards) {
      shard.read();
      expect(shard.seen.length).toBeGreaterThan(1);
      expect(shard.seen.every(({ kind }) => kind === tickKind.clock)).toBe(true);
    }
    expect(hub.account().taken).toBe(0);
    expect(hub.account().clocksSent).toBe(shards[0]!.seen.length + shards[1]!.seen.length);
  });

  test('a batch of many records is dealt out by instrument', () => {
    const { hub, shards } = build();
    const batch = tickRecords(4);
    for (let i = 0; i < 4; i++) {
      batch.halves[i * 16] = tickKind.trade;
      batch.halves[i * 16 + 1] = i + 1;
    }
    hub.take(batch, 4);
    hub.flush();
    for (const shard of shards) shard.read();
    expect(shards.map(({ seen }) => seen.map(({ instrument }) => instrument))).toEqual([
      [1, 3],
      [2, 4],
    ]);
  });

  test('what makes no sense is refused at the start', () => {
    expect(() => build({ shardOf: Uint16Array.of(0, 5) })).toThrow('not there');
    expect(() => build({ overflowHigh: 10, overflowLow: 10 })).toThrow('marks');
  });
});

describe('scenario 29: a shard stands still', () => {
  test('the hub goes on, quotes are conflated, trades are not, the other shard notices nothing, and the books balance', () => {
    const { hub, shards } = build({ overflowRecords: 400, overflowHigh: 300, overflowLow: 50 });
    let paused = 0;
    let resumed = 0;
    hub.attach({ pause: () => paused++, resume: () => resumed++ });
    const roll = dice(seed);
    const sent: Seen[] = [];
    let id = 0;
    while (hub.account().pauses === 0) {
      const instrument = 1 + Math.floor(roll() * 6);
      const kind = roll() < 0.75 ? tickKind.quote : tickKind.trade;
      sent.push({ kind, instrument, id: ++id, flush: false });
      hub.take(record(kind, instrument, id), 1);
      // Shard 1 (instruments 2, 4, 6) reads all the time, shard 0 not at all.
      if (id % 10 === 0) {
        hub.flush();
        shards[1]!.read();
      }
      expect(imbalance(hub.account()), `SEED=${seed}`).toBeUndefined();
    }
    const stalled = hub.account().shards[0]!;
    expect(stalled).toMatchObject({ pushed: 64, waiting: 300, dropped: 0 });
    expect(stalled.conflated).toBeGreaterThan(50);
    expect(hub.account()).toMatchObject({ pauses: 1, paused: true });
    expect(hub.account().shards[1]).toMatchObject({ conflated: 0, waiting: 0 });

    // It wakes: what waited goes first, and the feeds go on once little is left.
    for (let round = 0; round < 20; round++) {
      shards[0]!.read(30);
      hub.flush();
      expect(resumed).toBe(hub.account().shards[0]!.waiting <= 50 ? 1 : 0);
    }
    hub.flush();
    for (const shard of shards) shard.read();
    const account = hub.account();
    expect(account).toMatchObject({ taken: sent.length, waiting: 0, dropped: 0, paused: false });
    expect(account.pushed + account.conflated).toBe(sent.length);
    for (const [shard, mine] of [
      [0, [1, 3, 5]],
      [1, [2, 4, 6]],
    ] as const) {
      const { seen } = shards[shard]!;
      const due = sent.filter(({ instrument }) => (mine as readonly number[]).includes(instrument));
      const trades = (list: Seen[]): number[] =>
        list.filter(({ kind }) => kind === tickKind.trade).map((tick) => tick.id);
      expect(trades(seen).toSorted((a, b) => a - b)).toEqual(trades(due));
      for (const instrument of mine) judgeOrder(due, seen, instrument);
    }
  });

  test('a full overflow loses trades by count and never quotes; bounded in memory', () => {
    const overflow = new Overflow(10, 3);
    for (let id = 1; id <= 10; id++) expect(overflow.add(trade(1, id), 0)).toBe(kept.waiting);
    expect(overflow.add(trade(2, 11), 0)).toBe(kept.dropped);
    for (const instrument of [1, 2, 3]) expect(overflow.add(quote(instrument, 12), 0)).toBe(kept.waiting);
    for (const instrument of [1, 2, 3]) expect(overflow.add(quote(instrument, 13), 0)).toBe(kept.conflated);
    expect(overflow.waiting).toBe(13);
  });

  test('scenario 23: a full overflow never loses a change of decimals', () => {
    const overflow = new Overflow(10, 3);
    for (let id = 1; id <= 10; id++) overflow.add(trade(1, id), 0);
    for (const instrument of [1, 2, 3]) overflow.add(quote(instrument, 12), 0);
    expect(overflow.add(record(tickKind.rescale, 1, 13), 0)).toBe(kept.waiting);
    const kinds: number[] = [];
    overflow.drain((source, from) => kinds.push(source.halves[from * 16]! & 0xff) > 0);
    expect(kinds.at(-1)).toBe(tickKind.rescale);
    expect(kinds).toHaveLength(14);
  });

  test('scenario 23: an index goes on by its own decimals when a part gets finer ticks', () => {
    const parts = [{ index: 3, part: 0, instrument: 1 }];
    const memory = tickRingMemory(64);
    const { hub } = build({ parts, writers: [new TickWriter(memory, doorbell())] }, { shards: 1 });
    const reader = new TickReader(memory);
    const bids = (): number[] => {
      const found: number[] = [];
      for (let position = reader.head, n = reader.waiting; n > 0; n--, position = (position + 1) | 0) {
        const slot = reader.slotOf(position);
        if ((reader.records.halves[slot * 16]! & 0xff) === tickKind.part)
          found.push(reader.records.words[slot * 8 + tickField.bid]!);
      }
      return found;
    };
    hub.take(quote(1, 500), 1);
    hub.rescalePart(1, 2);
    hub.take(quote(1, 50_000), 1);
    hub.rescalePart(1, 1);
    hub.take(quote(1, 500_000), 1);
    hub.flush();
    expect(bids()).toEqual([500, 500, 500]);
  });

  test('the time waits even when the shard makes room just before it is told', () => {
    const memory = tickRingMemory(8);
    const lane = new Lane(new TickWriter(memory, doorbell()), new Overflow(100, 1), 4_096);
    const shard = new Shard(memory);
    for (let id = 1; id <= 12; id++) lane.take(trade(1, id), 0);
    lane.flush();
    shard.read();
    lane.tell(1_000_000);
    expect(lane.account()).toMatchObject({ clocksSent: 0, clocksSkipped: 1 });
    lane.flush();
    lane.tell(1_000_000);
    shard.read();
    expect(shard.seen.map(({ kind }) => kind).indexOf(tickKind.clock)).toBe(12);
  });

  test('the time is not told over the heads of waiting records', async () => {
    const { hub, shards } = build({ clockMs: 2 }, { shards: 1, capacity: 8 });
    for (let id = 1; id <= 12; id++) hub.take(trade(1, id), 1);
    await new Promise((resolve) => setTimeout(resolve, 30));
    shards[0]!.read();
    expect(shards[0]!.seen.map(({ id }) => id)).toEqual([1, 2, 3, 4, 5, 6, 7, 8]);
    expect(hub.account().clocksSkipped).toBeGreaterThan(0);
    await new Promise((resolve) => setTimeout(resolve, 30));
    shards[0]!.read();
    const kinds = shards[0]!.seen.map(({ kind }) => kind);
    expect(kinds.indexOf(tickKind.clock)).toBe(12);
  });
});

/** Records of one instrument come in order, and a quote is only missing when a newer one came right after it. */
function judgeOrder(due: Seen[], seen: Seen[], instrument: number): void {
  const came = seen.filter((tick) => tick.instrument === instrument).map(({ id }) => id);
  const sent = due.filter((tick) => tick.instrument === instrument);
  const missing = sent.filter(({ id }) => !came.includes(id));
  expect(came).toEqual(sent.map(({ id }) => id).filter((id) => came.includes(id)));
  for (const { kind, id } of missing) {
    expect(kind).toBe(tickKind.quote);
    expect(sent[sent.findIndex((tick) => tick.id === id) + 1]?.kind).toBe(tickKind.quote);
  }
}

describe('scenario 30: a burst', () => {
  test(`ten times what a shard takes, then quiet: all trades come out, once and in order (SEED=${seed})`, async () => {
    const { hub, shards } = build(
      { retryMs: 1, overflowRecords: 4_096, overflowHigh: 3_000, overflowLow: 1_000 },
      { shards: 1, capacity: 128 },
    );
    const feed = {
      paused: false,
      pause: () => void (feed.paused = true),
      resume: () => void (feed.paused = false),
    };
    hub.attach(feed);
    const roll = dice(seed);
    const sent: Seen[] = [];
    let id = 0;
    let most = 0;
    while (id < 20_000) {
      for (let i = 0; i < 100 && !feed.paused && id < 20_000; i++) {
        const kind = roll() < 0.6 ? tickKind.quote : tickKind.trade;
        const instrument = 1 + Math.floor(roll() * 6);
        sent.push({ kind, instrument, id: ++id, flush: false });
        hub.take(record(kind, instrument, id), 1);
        // The shard reads at any moment: room in the ring is no reason to overtake what waits.
        if (i % 10 === 0) shards[0]!.read(Math.floor(roll() * 3));
      }
      shards[0]!.read(Math.floor(roll() * 20));
      most = Math.max(most, hub.account().waiting);
      expect(imbalance(hub.account())).toBeUndefined();
      await turn();
    }
    while (hub.account().waiting > 0 || shards[0]!.published > 0) {
      shards[0]!.read();
      await turn();
    }
    expect(most).toBeLessThanOrEqual(3_000);
    const account = hub.account();
    expect(account).toMatchObject({ taken: 20_000, dropped: 0, paused: false });
    expect(account.pauses).toBeGreaterThan(0);
    expect(account.pushed).toBe(shards[0]!.seen.length);
    for (let instrument = 1; instrument <= 6; instrument++) judgeOrder(sent, shards[0]!.seen, instrument);
  });
});
