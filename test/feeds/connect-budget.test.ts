/** Attempts to connect: never more than the venue allows, whatever the connections wish. */
import { describe, expect, test } from 'vitest';
import { Backoff, backoffDefaults } from '../../src/feeds/backoff.ts';
import { ConnectBudget } from '../../src/feeds/connect-budget.ts';
import { dice, HandTimers, seed } from './market.ts';

const binance = { connects: { most: 300, withinMs: 300_000 }, connectsPerSecond: 0 };
const coinbase = { connects: { most: 300, withinMs: 300_000 }, connectsPerSecond: 8 };

/** The most times within any span of `withinMs`. */
function mostWithin(times: readonly number[], withinMs: number): number {
  return Math.max(
    0,
    ...times.map((from) => times.filter((time) => time >= from && time < from + withinMs).length),
  );
}

describe('scenario 6: reconnect storm', () => {
  test.each([binance, coinbase])(
    '20 connections that die together again and again: spread, and within the limits: %o',
    (limits) => {
      const timers = new HandTimers();
      const budget = new ConnectBudget({ limits, timers });
      const roll = dice(seed);
      const times: number[] = [];
      const perConnection = Array.from({ length: 20 }, () => 0);
      for (const i of perConnection.keys()) {
        const backoff = new Backoff(backoffDefaults, roll);
        const die = (): void =>
          void timers.after(backoff.next(0), () =>
            budget.ask(() => {
              times.push(timers.now());
              perConnection[i]!++;
              die();
            }),
          );
        die();
      }
      for (let ms = 0; ms < 900_000; ms += 1_000) timers.advance(1_000);
      const why = `SEED=${seed}`;
      expect(mostWithin(times, 300_000), why).toBeLessThanOrEqual(300);
      if (limits.connectsPerSecond > 0) expect(mostWithin(times, 1_000), why).toBeLessThanOrEqual(8);
      // The first second has the first attempt of all, at different times.
      expect(new Set(times.slice(0, 20)).size, why).toBeGreaterThan(15);
      expect(Math.min(...perConnection), why).toBeGreaterThan(15);
    },
  );

  test('1,000 wishes at one moment: 300 at once, the rest as the window moves on, first come first served', () => {
    const timers = new HandTimers();
    const budget = new ConnectBudget({ limits: binance, timers });
    const served: number[] = [];
    for (let i = 0; i < 1_000; i++) budget.ask(() => served.push(i));
    expect(budget.health()).toMatchObject({ used: 300, most: 300, waiting: 700, attempts: 300 });
    timers.advance(299_999);
    expect(served.length).toBe(300);
    timers.advance(1);
    expect(served.length).toBe(600);
    timers.advance(600_000);
    expect(served).toEqual(Array.from({ length: 1_000 }, (_, i) => i));
  });

  test('a wish that was called off takes nobody’s place', () => {
    const timers = new HandTimers();
    const budget = new ConnectBudget({
      limits: { connects: { most: 1, withinMs: 1_000 }, connectsPerSecond: 0 },
      timers,
    });
    const served: string[] = [];
    budget.ask(() => served.push('a'));
    const cancel = budget.ask(() => served.push('b'));
    budget.ask(() => served.push('c'));
    cancel();
    timers.advance(1_000);
    expect(served).toEqual(['a', 'c']);
  });
});

describe('scenario 10: a refusal by status stops all connections of the venue', () => {
  test('a ban lasts two minutes, and each one in a row twice as long; one goes ahead, the others follow it', () => {
    const timers = new HandTimers();
    const budget = new ConnectBudget({ limits: binance, timers });
    let attempts = 0;
    const ask = (): void => void budget.ask(() => attempts++);
    for (const [bans, ms] of [
      [1, 120_000],
      [2, 240_000],
      [3, 480_000],
    ] as const) {
      // Twenty attempts under way are refused together.
      for (let i = 0; i < 20; i++) budget.hold('banned');
      for (let i = 0; i < 5; i++) ask();
      expect(budget.health()).toMatchObject({ held: 'banned', heldMs: ms });
      const before = attempts;
      timers.advance(ms - 1);
      expect(attempts).toBe(before);
      timers.advance(1);
      expect(attempts, `after ban ${bans}`).toBe(before + 1);
    }
    budget.opened();
    expect(attempts).toBe(15);
    expect(budget.health().held).toBeUndefined();
    budget.hold('banned');
    expect(budget.health().heldMs).toBe(120_000);
  });

  test('429 waits as long as Retry-After says, or a minute; 451 five minutes', () => {
    for (const [hold, leastMs, ms] of [
      ['limited', 0, 60_000],
      ['limited', 7_000, 7_000],
      ['blocked', 0, 300_000],
      ['banned', 600_000, 600_000],
    ] as const) {
      const timers = new HandTimers();
      const budget = new ConnectBudget({ limits: binance, timers });
      budget.hold(hold, leastMs);
      let attempts = 0;
      budget.ask(() => attempts++);
      timers.advance(ms - 1);
      expect(attempts).toBe(0);
      timers.advance(1);
      expect(attempts).toBe(1);
    }
  });
});
