/** One venue's limit, against an obvious count of every window, with timers turned by hand. */
import { expect, test } from 'vitest';
import { RequestBudget, type RequestBudgetOptions } from '../../src/feeds/request-budget.ts';
import { type RestFault, type RestPriority, restPriority } from '../../src/feeds/venue-rest.ts';
import { dice, HandTimers, seed } from './market.ts';

const settle = async (): Promise<void> => {
  for (let i = 0; i < 20; i++) await Promise.resolve();
};

/** A budget whose requests are noted and answered when the test says so. */
function budgetOf(changes: Partial<RequestBudgetOptions> = {}) {
  const timers = new HandTimers();
  const budget = new RequestBudget({ timers, budget: 100, budgetMs: 60_000, ...changes });
  const left: { name: string; at: number; weight: number }[] = [];
  const answers: (() => void)[] = [];
  const faults: RestFault[] = [];
  const ask = (name: string, weight: number, priority: RestPriority, isSlow = false): void => {
    budget
      .run(weight, priority, async () => {
        left.push({ name, at: timers.now(), weight });
        if (isSlow) await new Promise<void>((resolve) => answers.push(resolve));
      })
      .catch((fault: RestFault) => faults.push(fault));
  };
  return { timers, budget, left, answers, faults, ask };
}

test('least priority first, within one the first to come; a heavy one is not overtaken by light ones', async () => {
  const { timers, left, ask } = budgetOf();
  ask('fills it', 100, restPriority.listing);
  ask('backfill', 10, restPriority.backfill);
  ask('book 1', 90, restPriority.book);
  ask('book 2', 1, restPriority.book);
  ask('watched', 50, restPriority.watchedBook);
  ask('repair', 25, restPriority.repair);
  await settle();
  expect(left.map(({ name }) => name)).toEqual(['fills it']);
  timers.advance(60_000);
  await settle();
  expect(left.map(({ name }) => name)).toEqual(['fills it', 'repair', 'watched']);
  timers.advance(60_000);
  await settle();
  expect(left.map(({ name }) => name).slice(3)).toEqual(['book 1', 'book 2']);
  timers.advance(60_000);
  await settle();
  expect(left.at(-1)).toEqual({ name: 'backfill', at: 180_000, weight: 10 });
});

test('nobody starves: who has waited for longer than the patience goes first', async () => {
  const { timers, left, ask } = budgetOf({ patienceMs: 120_000 });
  ask('fills it', 100, restPriority.repair);
  ask('backfill', 100, restPriority.backfill);
  for (let minute = 0; minute < 5; minute++) {
    ask(`repair ${minute}`, 100, restPriority.repair);
    timers.advance(60_000);
    await settle();
  }
  expect(left.map(({ name }) => name)).toEqual([
    'fills it',
    'repair 0',
    'repair 1',
    'backfill',
    'repair 2',
    'repair 3',
  ]);
});

test('a full line: the least urgent is refused and told how long, never the more urgent newcomer', async () => {
  const { budget, left, faults, ask } = budgetOf({ waitingMax: 2 });
  ask('fills it', 100, restPriority.backfill);
  ask('backfill 1', 10, restPriority.backfill);
  ask('backfill 2', 10, restPriority.backfill);
  ask('repair', 10, restPriority.repair);
  await settle();
  expect(faults.map(({ kind, retryAfterMs }) => [kind, retryAfterMs])).toEqual([['limited', 60_000]]);
  expect(budget.account()).toMatchObject({ used: 100, most: 100, waiting: 2, asked: 4, pausedMs: 60_000 });
  expect(left.length).toBe(1);
});

test('what never fits is refused at once', async () => {
  const { faults, ask } = budgetOf();
  ask('too heavy', 101, restPriority.repair);
  await settle();
  expect(faults[0]).toMatchObject({ kind: 'refused' });
});

test('the venue’s own count is believed when it is higher, with what is under way on top', async () => {
  const { timers, budget, left, answers, ask } = budgetOf();
  ask('slow', 30, restPriority.book, true);
  await settle();
  budget.told(60, 0);
  expect(budget.account().used).toBe(90);
  ask('waits', 20, restPriority.book);
  await settle();
  expect(left.length).toBe(1);
  answers[0]!();
  await settle();
  // A lower count does not free what we know to have used ourselves.
  budget.told(0, 20);
  expect(budget.account().used).toBe(30);
  ask('goes', 1, restPriority.book);
  await settle();
  expect(left.map(({ name }) => name)).toEqual(['slow', 'waits', 'goes']);
  timers.advance(60_000);
  expect(budget.account().used).toBe(0);
});

test(`scenario 18: no window holds more than the budget, whatever comes (SEED=${seed})`, async () => {
  const roll = dice(seed);
  const { timers, budget, left, answers, ask } = budgetOf({ underWayMax: 5 });
  const priorities = Object.values(restPriority);
  let asked = 0;
  for (let i = 0; i < 2_000; i++) {
    const what = roll();
    if (what < 0.4) {
      ask(String(asked++), 1 + Math.floor(roll() * 60), priorities[Math.floor(roll() * 5)]!, roll() < 0.5);
    } else if (what < 0.6) answers.splice(Math.floor(roll() * answers.length), 1)[0]?.();
    // Never past a timer: who leaves at it must be seen to.
    else timers.advance(Math.min(timers.nextIn, Math.ceil(roll() * 20_000)));
    if (roll() < 0.05) budget.told(Math.floor(roll() * 100), 0);
    await settle();
  }
  while (left.length < asked) {
    for (const answer of answers.splice(0)) answer();
    await settle();
    timers.advance(Math.min(timers.nextIn, 60_000));
    await settle();
  }
  // The obvious count: every window that begins with a request.
  for (const [i, first] of left.entries()) {
    let sum = 0;
    for (let k = i; k < left.length && left[k]!.at < first.at + 60_000; k++) sum += left[k]!.weight;
    expect(sum).toBeLessThanOrEqual(100);
  }
  expect(new Set(left.map(({ name }) => name)).size).toBe(asked);
  expect(asked).toBeGreaterThan(500);
});
