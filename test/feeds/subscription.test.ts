/** What is asked of a venue over one socket, and when; its timers are turned by hand. */
import { describe, expect, test } from 'vitest';
import {
  notAnswered,
  notListed,
  Subscription,
  type SubscriptionOptions,
} from '../../src/feeds/subscription.ts';
import type { Mode } from './fake-venue.ts';
import { dice, HandTimers, seed } from './market.ts';

interface Sent {
  readonly kind: 'subscribe' | 'unsubscribe';
  readonly streams: readonly string[];
  readonly id: number;
  readonly at: number;
}

function subscribed(
  wanted: readonly string[],
  acknowledges: Mode = 'by-id',
  changes: Partial<SubscriptionOptions> = {},
) {
  const timers = new HandTimers();
  const sent: Sent[] = [];
  let unanswered = 0;
  const subscription = new Subscription({
    acknowledges,
    batch: 200,
    gapMs: 250,
    answerMs: 10_000,
    retry: { firstMs: 1_000, mostMs: 60_000 },
    refusedRetry: { firstMs: 60_000, mostMs: 600_000 },
    timers,
    roll: () => 0,
    send: (kind, streams, id) => sent.push({ kind, streams, id, at: timers.now() }),
    patient: () => false,
    onUnanswered: () => unanswered++,
    ...changes,
  });
  for (const stream of wanted) subscription.want(stream);
  subscription.start();
  const missing = (): Record<string, string> =>
    Object.fromEntries([...subscription.missing()].map(({ stream, reason }) => [stream, reason]));
  return { subscription, timers, sent, missing, unanswered: () => unanswered };
}

const names = (count: number, from = 0): string[] => Array.from({ length: count }, (_, i) => `s${from + i}`);
const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

describe('asking', () => {
  test('scenario 7: 500 streams in batches of 200, at least 250 ms apart, each once', () => {
    const { subscription, timers, sent, missing } = subscribed(names(500));
    expect(sent.length).toBe(1);
    timers.advance(249);
    expect(sent.length).toBe(1);
    timers.advance(1);
    expect(sent.length).toBe(2);
    timers.advance(10_000 - 251);
    expect(sent.map(({ at }) => at)).toEqual([0, 250, 500]);
    expect(sent.map(({ streams }) => streams.length)).toEqual([200, 200, 100]);
    expect(sent.flatMap(({ streams }) => streams)).toEqual(names(500));
    for (const { id } of sent) subscription.answered({ id });
    expect(subscription.granted).toBe(500);
    expect(missing()).toEqual({});
  });

  test('a wish in a quiet moment leaves in the same turn, and what gathers meanwhile leaves together', async () => {
    const { subscription, timers, sent } = subscribed(['a']);
    subscription.answered({ id: 1 });
    timers.advance(5_000);
    for (const stream of names(30)) subscription.want(stream);
    await turn();
    expect(sent.at(-1)).toMatchObject({ streams: names(30), at: 5_000 });
    timers.advance(10);
    for (const stream of names(40, 100)) subscription.want(stream);
    await turn();
    expect(sent.length).toBe(2);
    timers.advance(240);
    expect(sent.at(-1)).toMatchObject({ streams: names(40, 100), at: 5_250 });
  });

  test('what is not wanted any more is let go, and never asked for if it had not been', async () => {
    const { subscription, timers, sent } = subscribed(['a', 'b']);
    subscription.answered({ id: 1 });
    subscription.want('c');
    subscription.unwant('c');
    subscription.unwant('a');
    timers.advance(250);
    await turn();
    expect(sent.slice(1).map(({ kind, streams }) => [kind, streams])).toEqual([['unsubscribe', ['a']]]);
    expect([subscription.granted, subscription.leaving]).toEqual([1, 1]);
    subscription.answered({ id: 2 });
    expect(subscription.leaving).toBe(0);
    // Refused to be let go: tried a few times more.
    subscription.unwant('b');
    await turn();
    for (let i = 0; i < 100; i++) {
      timers.advance(2_000);
      const last = sent.at(-1)!;
      if (last.id > 2) subscription.answered({ id: last.id, error: 'no' });
    }
    expect(sent.filter(({ kind, streams }) => kind === 'unsubscribe' && streams[0] === 'b').length).toBe(5);
  });

  test('begun anew: let go first, then asked for', () => {
    const { subscription, timers, sent } = subscribed(['a', 'b']);
    expect(subscription.again('a')).toBe(false);
    subscription.answered({ id: 1 });
    expect(subscription.again('a')).toBe(true);
    expect(subscription.again('a')).toBe(false);
    timers.advance(1_000);
    expect(sent.slice(1).map(({ kind, streams }) => [kind, streams])).toEqual([
      ['unsubscribe', ['a']],
      ['subscribe', ['a']],
    ]);
    subscription.answered({ id: 2 });
    subscription.answered({ id: 3 });
    expect(subscription.granted).toBe(2);
  });
});

describe('scenario 8: acknowledged partially or with error', () => {
  test('by id: a refused batch is cut until the refused are known by name; they are asked for again, slowly', () => {
    const bad = new Set(['s3', 's17', 's18']);
    const { subscription, timers, sent, missing } = subscribed(names(40), 'by-id', { batch: 40 });
    let seen = 0;
    const serve = (ms: number): void => {
      for (let i = 0; i < ms; i += 250) {
        timers.advance(250);
        for (const { id, streams } of sent.slice(seen)) {
          const isBad = streams.some((name) => bad.has(name));
          subscription.answered(isBad ? { id, error: 'Invalid request' } : { id });
        }
        seen = sent.length;
      }
    };
    serve(20_000);
    expect(missing()).toEqual({ s3: 'Invalid request', s17: 'Invalid request', s18: 'Invalid request' });
    expect(subscription.granted).toBe(37);
    const before = sent.length;
    serve(9_000);
    expect(sent.length).toBe(before);
    serve(15_000);
    expect(sent.length).toBeGreaterThan(before);
    expect(new Set(sent.slice(before).flatMap(({ streams }) => streams))).toEqual(bad);
    const often = sent.length;
    serve(600_000);
    expect(sent.length - often).toBeLessThan(40);
    bad.clear();
    serve(600_000);
    expect(missing()).toEqual({});
    expect(subscription.granted).toBe(40);
  });

  test('by id: a request without an answer is made again with growing pauses, and the socket is kept for the others', async () => {
    const { subscription, timers, sent, missing, unanswered } = subscribed(['a']);
    subscription.answered({ id: 1 });
    timers.advance(1_000);
    subscription.want('b');
    timers.advance(250);
    // Not started again by a timer: the wish itself sends.
    await turn();
    timers.advance(10_000);
    expect(missing()).toEqual({ b: notAnswered });
    timers.advance(200_000);
    const times = sent.slice(1).map(({ at }) => at);
    const waits = times.slice(1).map((at, i) => at - times[i]! - 10_000);
    expect(waits.slice(0, 5)).toEqual([500, 1_000, 2_000, 4_000, 8_000]);
    expect(unanswered()).toBe(0);
    // An answer counts however late it comes.
    subscription.answered({ id: sent.at(-1)!.id });
    expect(missing()).toEqual({});
  });

  test('a socket that has granted nothing at all within the time is of no use', () => {
    const { timers, unanswered } = subscribed(['a']);
    timers.advance(9_999);
    expect(unanswered()).toBe(0);
    timers.advance(1);
    expect(unanswered()).toBe(1);
  });

  test('by list: what the list leaves out is asked for again; what it drops later, too', () => {
    const { subscription, timers, sent, missing } = subscribed(['a', 'b', 'c'], 'by-list');
    subscription.answered({ granted: ['a', 'c'] });
    expect(missing()).toEqual({ b: notListed });
    timers.advance(500);
    expect(sent.at(-1)).toMatchObject({ kind: 'subscribe', streams: ['b'], at: 500 });
    subscription.answered({ granted: ['a', 'b', 'c'] });
    expect(missing()).toEqual({});
    subscription.answered({ granted: ['b', 'c'] });
    expect(missing()).toEqual({ a: notListed });
    timers.advance(500);
    expect(sent.at(-1)!.streams).toEqual(['a']);
    subscription.answered({ granted: ['a', 'b', 'c'] });
    expect(subscription.granted).toBe(3);
  });

  test('by list: a list that was under way before the request does not answer it', async () => {
    const { subscription, timers, missing } = subscribed(['a'], 'by-list');
    subscription.answered({ granted: ['a'] });
    timers.advance(250);
    subscription.want('b');
    await turn();
    subscription.answered({ granted: ['a'] });
    expect(missing()).toEqual({ b: '' });
    subscription.answered({ granted: ['a', 'b'] });
    expect(missing()).toEqual({});
  });

  test('by error: granted when no refusal has come for a while', () => {
    const { subscription, timers } = subscribed(['a', 'b'], 'by-error', { answerMs: 2_000 });
    timers.advance(1_999);
    expect(subscription.granted).toBe(0);
    timers.advance(1);
    expect(subscription.granted).toBe(2);
  });

  test('by error: a refusal that may be of several requests is found out by asking one by one', () => {
    const { subscription, timers, sent, missing } = subscribed(names(8), 'by-error', {
      answerMs: 2_000,
      batch: 4,
    });
    timers.advance(250);
    expect(sent.length).toBe(2);
    let seen = 2;
    subscription.answered({ error: 'Invalid market' });
    for (let i = 0; i < 200; i++) {
      timers.advance(250);
      const fresh = sent.slice(seen);
      expect(fresh.length).toBeLessThanOrEqual(1);
      if (fresh[0]?.streams.includes('s5') === true) subscription.answered({ error: 'Invalid market' });
      seen = sent.length;
      if (subscription.granted === 7 && missing()['s5'] === 'Invalid market') break;
    }
    expect(subscription.granted).toBe(7);
    expect(missing()).toEqual({ s5: 'Invalid market' });
  });
});

/** What a venue does with requests: the obvious version. Answers come late, some never, and it refuses at random. */
describe.each(['by-id', 'by-list', 'by-error'] as const)('at random, %s', (mode) => {
  test.each(Array.from({ length: 20 }, (_, i) => seed + i))(
    'in the end the venue delivers what is wanted: SEED=%i',
    async (own) => {
      const roll = dice(own);
      const bad = new Set<string>();
      const { subscription, timers, sent, missing } = subscribed(['fixed'], mode, {
        batch: 5,
        answerMs: mode === 'by-error' ? 2_000 : 10_000,
        refusedRetry: { firstMs: 5_000, mostMs: 20_000 },
        roll,
      });
      const delivered = new Set(['fixed']);
      const wanted = new Set(['fixed']);
      // A socket that never grants anything is given up, which is not the matter here.
      if (mode !== 'by-error') subscription.answered(mode === 'by-id' ? { id: 1 } : { granted: ['fixed'] });
      const late: { at: number; answer: Parameters<Subscription['answered']>[0] }[] = [];
      let seen = 1;
      let calm = false;
      const serve = (): void => {
        for (; seen < sent.length; seen++) {
          const { kind, streams, id } = sent[seen]!;
          const refused = kind === 'subscribe' && streams.some((name) => bad.has(name));
          const forgotten = !calm && roll() < 0.1;
          if (!refused && !forgotten) {
            for (const name of streams) {
              if (kind === 'subscribe') delivered.add(name);
              else delivered.delete(name);
            }
          }
          if (forgotten || (!calm && roll() < 0.1)) continue;
          const error = refused ? { error: 'no' } : {};
          const at = timers.now() + roll() * (mode === 'by-error' ? 200 : 3_000);
          if (mode === 'by-id') late.push({ at, answer: { id, ...error } });
          else if (refused) late.push({ at, answer: error });
          else if (mode === 'by-list') late.push({ at, answer: { granted: [...delivered] } });
        }
        // Answers come in the order of the requests, as over one socket.
        let order = 0;
        for (const one of late) order = one.at = Math.max(order, one.at);
        while (late.length > 0 && late[0]!.at <= timers.now()) subscription.answered(late.shift()!.answer);
      };
      for (let step = 0; step < 600; step++) {
        calm = step > 300;
        const name = `s${Math.floor(roll() * 20)}`;
        if (!calm && roll() < 0.3) {
          if (roll() < 0.6) {
            wanted.add(name);
            subscription.want(name);
          } else {
            wanted.delete(name);
            subscription.unwant(name);
          }
        } else if (!calm) {
          const what = roll();
          if (what < 0.1) subscription.again(name);
          else if (what < 0.15) bad.add(name);
          else if (what < 0.2) bad.delete(name);
          // A stream that the venue forgets: only a list can tell.
          else if (what < 0.25 && mode === 'by-list') delivered.delete(name);
        }
        if (calm) bad.clear();
        await Promise.resolve();
        timers.advance(calm ? 1_000 : roll() * 400);
        serve();
      }
      const why = `SEED=${own} ${JSON.stringify(missing())}`;
      expect(missing(), why).toEqual({});
      expect(subscription.granted, why).toBe(wanted.size);
      // By error, a request that was lost without a word cannot be told from a granted one.
      if (mode !== 'by-error')
        expect(
          [...wanted].filter((one) => !delivered.has(one)),
          why,
        ).toEqual([]);
      for (let i = 1; i < sent.length; i++) expect(sent[i]!.at - sent[i - 1]!.at).toBeGreaterThanOrEqual(250);
    },
  );
});
