/** Scenario 33: the wall clock jumps; the market's time does not. */
import { describe, expect, test } from 'vitest';
import { binanceNormaliser } from '../../src/feeds/binance/normalise.ts';
import { LiveClock } from '../../src/feeds/live-clock.ts';
import { tickRecords } from '../../src/wire/tick-record.ts';
import { now, options, tradeText } from './market.ts';

const second = 1e6;

/** Clocks that the test moves. */
function hands() {
  const state = { wall: now, steady: 5 * second, boot: 1_000 };
  const clock = new LiveClock({
    wall: () => state.wall,
    steady: () => state.steady,
    sinceBoot: () => Math.floor(state.boot * 100) / 100,
  });
  const pass = (seconds: number): void => {
    state.wall += seconds * second;
    state.steady += seconds * second;
    state.boot += seconds;
  };
  return { state, clock, pass };
}

describe('scenario 33: clock step, daylight saving, leap second, sleep', () => {
  test.each([3_600, -3_600, 86_400, 30])(
    'a step of the wall by %d s is not followed, and is counted once',
    (step) => {
      const { state, clock, pass } = hands();
      pass(10);
      clock.check();
      state.wall += step * second;
      for (let i = 0; i < 100; i++) {
        pass(1);
        clock.check();
      }
      expect(clock.now()).toBe(now + 110 * second);
      expect(clock.wallSteps).toEqual({ count: 1, now: true });
    },
  );

  test('trades are believed on both sides of a step', () => {
    const { state, clock, pass } = hands();
    const normaliser = binanceNormaliser(options());
    const out = tickRecords(1);
    const answer = (): number => {
      const bytes = new TextEncoder().encode(tradeText({ T: now / 1_000 + 10_000 }));
      return normaliser.normalise(bytes, 0, bytes.length, clock.now(), out);
    };
    pass(10);
    expect(answer()).toBe(1);
    state.wall -= 3_600 * second;
    clock.check();
    expect(answer()).toBe(1);
    state.wall += 86_400 * second;
    clock.check();
    expect(answer()).toBe(1);
  });

  test('a leap second and drift are made up slowly, and time never runs back', () => {
    const { state, clock, pass } = hands();
    state.wall -= 0.9 * second;
    let before = clock.now();
    for (let i = 0; i < 1_000; i++) {
      pass(0.1);
      clock.check();
      expect(clock.now()).toBeGreaterThan(before);
      before = clock.now();
    }
    expect(clock.now()).toBe(state.wall);
    expect(clock.wallSteps.count).toBe(0);
  });

  test('after eight hours of sleep time is right at once', () => {
    const { state, clock, pass } = hands();
    pass(10);
    clock.check();
    state.wall += 28_800 * second;
    state.boot += 28_800;
    pass(0.1);
    clock.check();
    expect(Math.abs(clock.now() - state.wall)).toBeLessThan(0.1 * second);
  });

  test('a wall that was wrong from the start is put right by the venue’s time', () => {
    const { state, clock, pass } = hands();
    clock.anchor(state.wall + 7_200 * second);
    pass(1);
    expect(clock.now()).toBe(state.wall + 7_200 * second);
  });

  test('the real clocks agree with the wall', () => {
    expect(Math.abs(new LiveClock().now() - Date.now() * 1_000)).toBeLessThan(0.1 * second);
    expect(Number.isInteger(new LiveClock().now())).toBe(true);
  });
});
