/** Streams that fall silent, and those that are only quiet: judged by market time alone. */
import { describe, expect, test } from 'vitest';
import { hot } from '../../src/compute/shard-memory.ts';
import { expectedQuiet, isSilent, noteArrival, watchWords } from '../../src/compute/watch.ts';
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

/**
 * A shard whose streams are taken, with 600 quotes or ten minutes of them, one each `every` µs, and, with `beats`, a
 * heartbeat a second; what comes next is due at `now`.
 */
function quoted(every: number, beats = true): { shard: DrivenShard; now: number; version: number } {
  const shard = new DrivenShard();
  let [now, version] = [start, 0];
  shard.take(clock(now), subscribed(true, now));
  const step = Math.min(every, second);
  for (; now < start + 600 * Math.max(every, second); now += step) {
    const at = now - start;
    const due = at % every === 0 ? [quote(++version, now)] : [];
    shard.take(clock(now), ...due, ...(beats && at % second === 0 ? [beat(0, now)] : []));
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
      const { shard, now, version } = quoted(every, false);
      expect(shard.statuses()).toEqual([]);
      const after = silentFor(shard, now, 100 * second, false);
      expect(after).toBeGreaterThan(every);
      expect(after).toBeLessThanOrEqual(2 * Math.max(second, every) * 1.1 + 100_000);
      // All of the instrument is silent: its trades as well.
      const stale = shard.statuses().find(({ channel: on }) => on === channel.quotes)!;
      expect(stale.state).toBe('stale');
      expect(stale.since).toBeLessThan(now);
      shard.take(quote(version + 1, now + after));
      const live = shard.statuses().slice(2);
      expect(live.map(({ channel: on, state, time }) => [on, state, time])).toEqual([
        [channel.trades, 'live', now + after],
        [channel.quotes, 'live', now + after],
      ]);
      expect([shard.count('streamsStale'), shard.count('streamsLive')]).toEqual([2, 2]);
    });
  }

  // Heartbeats say that the market may just be quiet: what no longer comes is stale after eight expected intervals.
  for (const id of [0, 7])
    test(`a quiet market, heartbeats of id ${id} with no trade that is not there: the quotes have eight expected intervals`, () => {
      const { shard, now } = quoted(3 * second);
      shard.take(trade(7, now - 3 * second));
      const silence = (until: number): void => {
        for (let at = second; at <= until; at += second) shard.take(clock(now + at), beat(id, now + at));
      };
      silence(8 * 3 * second - 3 * second);
      expect(shard.statuses()).toEqual([]);
      silence(8 * 3 * second * 1.1);
      expect(shard.statuses()).toMatchObject([{ channel: channel.quotes, state: 'stale' }]);
    });

  test('heartbeats clear nothing once they stay away, while a trade of theirs is missing, or when trades came since', () => {
    const everySecond = (
      shard: DrivenShard,
      now: number,
      ticksAt: (time: number) => readonly Tick[],
    ): string[] => {
      for (let at = second; at <= 15 * second; at += second)
        shard.take(clock(now + at), ...ticksAt(now + at));
      return shard
        .statuses()
        .map(({ channel: on, state }) => `${on} ${state}`)
        .toSorted();
    };
    const quotesStale = `${channel.quotes} stale`;
    const away = quoted(3 * second);
    expect(everySecond(away.shard, away.now, () => [])).toEqual([`${channel.trades} stale`, quotesStale]);
    const missing = quoted(3 * second);
    missing.shard.take(trade(7, missing.now - 3 * second));
    expect(everySecond(missing.shard, missing.now, (time) => [beat(9, time)])).toContain(quotesStale);
    const traded = quoted(3 * second);
    let id = 0;
    expect(everySecond(traded.shard, traded.now, (time) => [trade(++id, time), beat(id, time)])).toEqual([
      quotesStale,
    ]);
  });

  for (const mean of [0.05, 0.5, 1, 2, 5, 10, 30, 60])
    test(`exponential gaps of ${mean} s in the mean: hardly ever stale in virtual days, and a stall is told in time`, () => {
      const roll = dice(seed + mean * 1_000);
      const bounds = { quietMicrosMin: second, quietMicrosMax: 300 * second };
      const words = new Float64Array(watchWords);
      const hours = mean < 0.1 ? 12 : 48;
      let [now, alarms] = [start, 0];
      noteArrival(words, 0, now, bounds);
      while (now < start + hours * 3_600 * second) {
        const gap = 1 + Math.round(-Math.log(1 - roll.real()) * mean * second);
        if (isSilent(words, 0, now + gap - 1, bounds)) alarms++;
        now += gap;
        noteArrival(words, 0, now, bounds);
      }
      // Measured over 300 hours and more: 0.013 an hour at most, so that seven are far beyond chance.
      expect(alarms, `false alarms in ${hours} h`).toBeLessThanOrEqual(6);
      const expected = expectedQuiet(words, 0, bounds);
      expect(expected).toBeGreaterThanOrEqual(Math.max(second, mean * 3 * second));
      expect(expected).toBeLessThanOrEqual(Math.min(300, Math.max(1.1, mean * 30)) * second);
      expect(isSilent(words, 0, now + 2 * expected - 1_000, bounds)).toBe(false);
      expect(isSilent(words, 0, now + 2 * expected + 1_000, bounds)).toBe(true);
    });

  test('a stall is not what is expected afterwards, and a change of pace is learned', () => {
    const bounds = { quietMicrosMin: second, quietMicrosMax: 300 * second };
    const words = new Float64Array(watchWords);
    let now = start;
    const come = (gap: number, count: number): number => {
      for (let each = 0; each < count; each++) noteArrival(words, 0, (now += gap * second), bounds);
      return expectedQuiet(words, 0, bounds) / second;
    };
    noteArrival(words, 0, now, bounds);
    // While little is known, much is expected: the most, then the longest pause times 1 + 20 / n.
    expect([come(2, 2), come(2, 1), come(2, 7)]).toEqual([300, 2 * (1 + 20 / 3), 2 * 3]);
    const usual = come(2, 490);
    expect(usual).toBe(2 * (1 + 20 / 500));
    expect(come(3_600, 1)).toBeLessThan(2.1 * usual);
    expect(come(2, 600)).toBeLessThan(2.2);
    expect(come(20, 300)).toBeGreaterThan(20);
    expect(come(2, 1_000)).toBeLessThan(2.2);
  });

  test('random arrivals at a venue with heartbeats: trades with their quotes, each 10 s in the mean, are never stale', () => {
    const roll = dice(seed);
    const shard = new DrivenShard();
    shard.take(clock(start), subscribed(true, start));
    let [id, next] = [0, start];
    for (let now = start; now < start + 7_200 * second; now += second) {
      const ticks: Tick[] = [];
      for (; next <= now; next += 1 - Math.round(Math.log(1 - roll.real()) * 10 * second)) {
        id++;
        ticks.push(trade(id, next), quote(id, next));
      }
      shard.take(clock(now), ...ticks, beat(id, now));
    }
    expect(id).toBeGreaterThan(400);
    expect(shard.statuses()).toEqual([]);
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
    // Nothing is known of it: the most is expected.
    expect(silentFor(shard, now + 700 * second, 700 * second, false)).toBe(600 * second + 100_000);
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
    const { shard, now, version } = quoted(100_000, false);
    const states = (): number[] =>
      shard.requests
        .filter(({ kind, words }) => kind === 'status' && words[1] === channel.quotes)
        .map(({ words }) => words[2]!);
    expect(silentFor(shard, now, 3 * second, false)).toBeGreaterThan(0);
    silentFor(shard, now + 3 * second, 17 * second, false);
    const { stale, live } = streamState;
    expect(states()).toEqual([stale, stale, stale, stale, stale]);
    for (let at = 0; at < 200; at++)
      shard.take(quote(version + 1 + at, now), clock(now + 20 * second + at * 100_000));
    expect(states()).toEqual([stale, stale, stale, stale, stale, live, live]);
    const told = shard.statuses().filter(({ channel: on }) => on === channel.quotes);
    expect(told.map(({ state }) => state)).toEqual(['stale', 'live']);
  });
});
