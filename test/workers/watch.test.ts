/** Streams that fall silent, and those that are only quiet: judged by market time alone. */
import { describe, expect, test } from 'vitest';
import { hot } from '../../src/compute/shard-memory.ts';
import { channel } from '../../src/wire/block-message.ts';
import { streamState } from '../../src/wire/row.ts';
import { tickField, tickKind, tickRecords } from '../../src/wire/tick-record.ts';
import { dice, seed } from '../market/dice.ts';
import { DrivenShard } from './drive-shard.ts';
import type { Tick } from './shard-bench.ts';

const second = 1_000_000;
const start = Date.UTC(2024, 6, 1) * 1_000;

function quote(version: number, time: number): Tick {
  return { kind: 'quote', instrument: 1, version, time, bid: 10, bidSize: 1, ask: 11, askSize: 1 };
}

function trade(id: number, time: number): Tick {
  return { kind: 'trade', instrument: 1, id, time, price: 10, size: 1, takerSold: false };
}

const subscribed = (taken: boolean, time: number): Tick => ({
  kind: 'subscribed',
  instrument: 1,
  taken,
  time,
});
const beat = (id: number, time: number): Tick => ({ kind: 'heartbeat', instrument: 1, id, time });
const clock = (time: number): Tick => ({ kind: 'clock', time });

/** A shard whose streams are taken, with ten minutes of quotes, one each `every` µs, and a heartbeat a second. */
function quoted(every: number): { shard: DrivenShard; now: number; version: number } {
  const shard = new DrivenShard();
  let [now, version] = [start, 0];
  shard.take(clock(now), subscribed(true, now));
  for (; now < start + 600 * second; now += 100_000) {
    const at = now - start;
    const due = at % every === 0 ? [quote(++version, now)] : [];
    shard.take(clock(now), ...due, ...(at % second === 0 ? [beat(0, now)] : []));
  }
  return { shard, now, version };
}

/** Goes on with clocks and heartbeats alone; how long until a status came (µs), or 0. */
function silentFor(shard: DrivenShard, from: number, micros: number, beats = true): number {
  const before = shard.statuses().length;
  for (let now = from; now <= from + micros; now += 100_000) {
    shard.take(clock(now), ...(beats && (now - from) % second === 0 ? [beat(0, now)] : []));
    if (shard.statuses().length > before) return now - from;
  }
  return 0;
}

describe(`stale streams (SEED=${seed})`, () => {
  for (const every of [100_000, 3 * second, 20 * second]) {
    test(`scenario 3: quotes that come every ${every / second} s are stale within two expected intervals, and live again`, () => {
      const { shard, now, version } = quoted(every);
      expect(shard.statuses()).toEqual([]);
      const expected = Math.max(second, every);
      const after = silentFor(shard, now, 100 * second);
      expect(after).toBeGreaterThan(every);
      expect(after).toBeLessThanOrEqual(2 * expected * 1.1 + 100_000);
      const [stale] = shard.statuses();
      expect(stale).toMatchObject({ channel: channel.quotes, state: 'stale' });
      expect(stale!.since).toBeLessThan(now);
      shard.take(quote(version + 1, now + after));
      expect(shard.statuses()[1]).toMatchObject({
        channel: channel.quotes,
        state: 'live',
        time: now + after,
      });
      expect([shard.count('streamsStale'), shard.count('streamsLive')]).toEqual([1, 1]);
    });
  }

  test('random arrivals: no stream is called stale before twice the longest pause of the last minutes has passed', () => {
    const roll = dice(seed);
    const shard = new DrivenShard();
    let now = start;
    let version = 0;
    shard.take(clock(now), subscribed(true, now), quote(++version, now));
    for (let at = 0; at < 3_000; at++) {
      now += roll.pick([100_000, 100_000, 400_000, 900_000]);
      shard.take(clock(now), quote(++version, now));
    }
    expect(shard.statuses()).toEqual([]);
    const after = silentFor(shard, now, 60 * second);
    expect(after).toBeGreaterThan(2 * second - 1);
    expect(after).toBeLessThan(2_300_000);
  });

  test('few trades are no fault while anything else says that the instrument is alive; when all is silent, all is stale', () => {
    const { shard, now } = quoted(100_000);
    shard.take(trade(1, now));
    for (let at = 0; at < 900; at++)
      shard.take(clock(now + at * second), quote(10_000 + at, now + at * second), beat(0, now + at * second));
    expect(shard.statuses()).toEqual([]);
    const later = now + 900 * second;
    for (let at = 0; at < 40; at++) shard.take(clock(later + at * 500_000));
    expect(
      shard
        .statuses()
        .map(({ channel: on, state }) => `${on} ${state}`)
        .toSorted(),
    ).toEqual([`${channel.trades} stale`, `${channel.quotes} stale`]);
    // A heartbeat is enough for the trades.
    shard.take(beat(1, later + 21 * second));
    expect(shard.statuses().at(-1)).toMatchObject({ channel: channel.trades, state: 'live' });
  });

  test('scenario 27: trades that a heartbeat told of and that do not come make the stream stale, until a trade comes', () => {
    const { shard, now } = quoted(100_000);
    shard.take(trade(1, now), beat(3, now), clock(now + second), quote(10 ** 6, now + second));
    expect(shard.statuses()).toEqual([]);
    shard.take(clock(now + 2 * second), quote(10 ** 6 + 1, now + 2 * second), beat(3, now + 2 * second));
    expect(shard.statuses()).toMatchObject([{ channel: channel.trades, state: 'stale', since: now }]);
    const fetched = { ...trade(2, now + 1_000), repair: true } as Tick;
    shard.take(fetched, clock(now + 2_500_000), quote(10 ** 6 + 2, now + 2_500_000));
    expect(shard.statuses().length).toBe(1);
    shard.take(trade(4, now + 3 * second));
    expect(shard.statuses()[1]).toMatchObject({ channel: channel.trades, state: 'live' });
  });

  test('streams that are not taken are not judged, and those let go are no longer listed', () => {
    const { shard, now, version } = quoted(100_000);
    const states = (): number[] =>
      shard.requests.filter(({ kind }) => kind === 'status').map(({ words }) => words[2]!);
    expect(silentFor(shard, now, 60 * second)).toBeGreaterThan(0);
    shard.take(subscribed(false, now + 60 * second));
    expect(states().at(-1)).toBe(streamState.live);
    expect(silentFor(shard, now + 61 * second, 600 * second, false)).toBe(0);
    expect(shard.count('streamsLeft')).toBe(1);
    // Taken again: silence counts from then on, once something has come.
    shard.take(clock(now + 700 * second), subscribed(true, now + 700 * second), quote(version + 1, now));
    expect(shard.run.shard.memory.hot[hot.subscribedAt]).toBe(now + 700 * second);
    expect(silentFor(shard, now + 700 * second, 60 * second)).toBeGreaterThan(19 * second);
  });

  test('a book whose changes no longer come is stale, its top as well; when they come again it still waits for its snapshot', () => {
    const shard = new DrivenShard();
    const change = (id: number, now: number): void => {
      const records = tickRecords(1);
      records.halves.set([tickKind.book, 1]);
      // Of no levels: only that it came matters here.
      records.words.set([now, now, id, id, 0], tickField.time);
      shard.bench.writer.push(records, 0);
    };
    shard.take(clock(start), subscribed(true, start));
    for (let at = 1; at < 300; at++) {
      change(at, start + at * 100_000);
      shard.take(clock(start + at * 100_000));
    }
    const before = shard.statuses().length;
    expect(silentFor(shard, start + 30 * second, 60 * second)).toBeGreaterThan(0);
    change(1_000, start + 100 * second);
    shard.take();
    const [stale, staleTop, ...after] = shard.statuses().slice(before);
    expect([stale, staleTop]).toMatchObject([
      { channel: channel.book, state: 'stale' },
      { channel: channel.bookTop, state: 'stale' },
    ]);
    expect(after.filter(({ channel: on }) => on === channel.book).at(-1)).toMatchObject({ state: 'syncing' });
  });

  test('the hub is told of a stale stream again while it is, and once more that it is live', () => {
    const { shard, now, version } = quoted(100_000);
    const states = (): number[] =>
      shard.requests
        .filter(({ kind, words }) => kind === 'status' && words[1] === channel.quotes)
        .map(({ words }) => words[2]!);
    expect(silentFor(shard, now, 3 * second)).toBeGreaterThan(0);
    silentFor(shard, now + 3 * second, 17 * second);
    const { stale, live } = streamState;
    expect(states()).toEqual([stale, stale, stale, stale, stale]);
    for (let at = 0; at < 200; at++)
      shard.take(quote(version + 1 + at, now), clock(now + 20 * second + at * 100_000));
    expect(states()).toEqual([stale, stale, stale, stale, stale, live, live]);
    expect(shard.statuses().map(({ state }) => state)).toEqual(['stale', 'live']);
  });
});
