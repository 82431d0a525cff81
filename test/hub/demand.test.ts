import { expect, test } from 'vitest';
import { Demand } from '../../src/hub/demand.ts';
import { dice, seed } from '../market/dice.ts';

/** Time turned by hand. */
function handTimers() {
  let now = 0;
  const due: { at: number; run: () => void }[] = [];
  return {
    after: (ms: number, run: () => void) => {
      const timer = { at: now + ms, run };
      due.push(timer);
      return () => {
        const place = due.indexOf(timer);
        if (place >= 0) due.splice(place, 1);
      };
    },
    pass(ms: number): void {
      now += ms;
      for (const timer of due.filter(({ at }) => at <= now)) {
        due.splice(due.indexOf(timer), 1);
        timer.run();
      }
    },
  };
}

function bench(core: number[] = []) {
  const timers = handTimers();
  const taken = new Set<number>();
  const watched = new Set<number>();
  const told: string[] = [];
  const demand = new Demand({
    core,
    lingerMs: 1_000,
    after: timers.after,
    onWant: (id) => {
      expect(taken.has(id), `${id} is asked for twice`).toBe(false);
      taken.add(id);
      told.push(`want ${id}`);
    },
    onLetGo: (id) => {
      expect(taken.delete(id), `${id} is let go twice`).toBe(true);
      told.push(`let go ${id}`);
    },
    onWatched: (id, is) => void (is ? watched.add(id) : watched.delete(id)),
  });
  demand.start();
  return { demand, timers, taken, watched, told };
}

test('an instrument is taken with its first wish and let go a linger after its last', () => {
  const { demand, timers, told } = bench();
  demand.wish('a', 7);
  demand.wish('a', 7);
  demand.wish('b', 7);
  demand.unwish('a', 7);
  timers.pass(5_000);
  expect(told).toEqual(['want 7']);
  demand.unwish('b', 7);
  timers.pass(999);
  expect(told).toEqual(['want 7']);
  timers.pass(1);
  expect(told).toEqual(['want 7', 'let go 7']);
});

test('who comes back within the linger causes nothing', () => {
  const { demand, timers, told } = bench();
  for (let round = 0; round < 5; round++) {
    demand.wish('a', 7);
    timers.pass(600);
    demand.unwish('a', 7);
    timers.pass(600);
  }
  expect(told).toEqual(['want 7']);
});

test('the core is always on, whoever comes and goes', () => {
  const { demand, timers, taken, watched, told } = bench([1, 2]);
  expect([...watched]).toEqual([]);
  demand.wish('a', 1);
  expect([...watched]).toEqual([1]);
  demand.unwish('a', 1);
  timers.pass(10_000);
  expect([...taken]).toEqual([1, 2]);
  expect(told).toEqual(['want 1', 'want 2']);
});

test('a watch list that is read again replaces what it said before', () => {
  const { demand, timers, taken } = bench();
  demand.replace('redis', new Set([1, 2, 3]));
  demand.wish('gateway', 2);
  demand.replace('redis', new Set([3, 4]));
  timers.pass(1_000);
  expect(taken).toEqual(new Set([2, 3, 4]));
  demand.replace('redis', new Set());
  demand.unwish('gateway', 2);
  timers.pass(1_000);
  expect([...taken]).toEqual([]);
  expect(demand.health()).toEqual({ core: 0, watched: 0, lingering: 0, taken: 0, sources: 0 });
});

test(`random wishes of many sources leave taken what the obvious count says (seed ${seed})`, () => {
  const throws = dice(seed);
  const core = [1, 2, 3];
  const { demand, timers, taken, watched } = bench(core);
  const wishes = new Set<string>();
  for (let step = 0; step < 20_000; step++) {
    const source = `s${Math.floor(throws.real() * 5)}`;
    const id = 1 + Math.floor(throws.real() * 12);
    const key = `${source} ${id}`;
    if (throws.real() < 0.5) {
      wishes.add(key);
      demand.wish(source, id);
    } else {
      wishes.delete(key);
      demand.unwish(source, id);
    }
    timers.pass(Math.floor(throws.real() * 400));
    const wanted = new Set([...wishes].map((each) => Number(each.split(' ')[1])));
    expect(watched, `step ${step}`).toEqual(wanted);
    for (const want of [...wanted, ...core]) expect(taken.has(want), `step ${step}`).toBe(true);
  }
  timers.pass(1_000);
  const wanted = new Set([...core, ...[...wishes].map((each) => Number(each.split(' ')[1]))]);
  expect(taken).toEqual(wanted);
});
