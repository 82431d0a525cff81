import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { Dice } from '../../src/simulator/dice.ts';
import { type FaultPlan, parseFaults } from '../../src/simulator/faults.ts';
import { garbage } from '../../src/simulator/garbage.ts';
import { SimulatorFault } from '../../src/simulator/simulator-fault.ts';
import type { SimulatorReport } from '../../src/simulator/tally.ts';
import { type Client, connect, simulate, streams } from './client.ts';

const seed = Number(process.env['SEED'] ?? Date.now() % 2 ** 31);
const total = (counts: Readonly<Record<string, number>>): number =>
  Object.values(counts).reduce((sum, count) => sum + count, 0);

/** Runs a busy market until the report says enough. */
async function run(
  faults: FaultPlan,
  enough: (report: SimulatorReport) => boolean,
): Promise<{ report: SimulatorReport; client: Client }> {
  const simulator = await simulate({ seed, faults, hold: true, ticksPerSecond: 20_000 });
  const path = `/stream?streams=${streams(simulator, ['trade', 'bookTicker'])}`;
  const client = await connect(simulator, path, { skipUTF8Validation: true });
  simulator.start();
  let report = simulator.report();
  for (; !enough(report); report = simulator.report()) await sleep(20);
  expect(report.balanced).toBe(true);
  return { report, client };
}

const idOf = (text: string): number => Number(/"[tu]":(\d+)/.exec(text)![1]);

describe('fault plans', () => {
  test('are read from words, with chances or without', () => {
    expect(parseFaults('drop, duplicate:0.01,garbage:1')).toEqual({
      drop: expect.any(Number),
      duplicate: 0.01,
      garbage: 1,
    });
    expect(Object.keys(parseFaults('drop,duplicate,reorder,disconnect,silence,garbage'))).toHaveLength(6);
    expect(parseFaults('')).toEqual({});
  });

  test.each([
    [
      'dorp',
      '"dorp" is no fault; use some of drop, duplicate, reorder, disconnect, silence, garbage, as in "drop,duplicate:0.01".',
    ],
    [
      'drop:often',
      '"often" is no chance for the fault "drop"; give a number from 0 to 1, as in "drop:0.01".',
    ],
    ['drop:2', '"2" is no chance for the fault "drop"; give a number from 0 to 1, as in "drop:0.01".'],
    ['drop:', '"" is no chance for the fault "drop"; give a number from 0 to 1, as in "drop:0.01".'],
  ])('%s is refused with the words that are valid', (text, message) => {
    expect(() => parseFaults(text)).toThrow(new SimulatorFault(message));
  });
});

describe(`scripted faults (SEED=${seed})`, () => {
  test('drop: due = sent + dropped', async () => {
    const { report } = await run({ drop: 0.1 }, ({ dropped }) => dropped.drop > 50);
    expect(total(report.due)).toBe(total(report.sent) + report.dropped.drop);
    expect(report.faults.drop).toBe(report.dropped.drop);
  });

  test('duplicate: sent = due + duplicates, side by side', async () => {
    const { report, client } = await run({ duplicate: 0.1 }, (so) => so.faults.duplicate > 50);
    expect(total(report.sent)).toBe(total(report.due) + report.faults.duplicate);
    const messages = await client.until(total(report.sent));
    const twice = messages
      .slice(0, total(report.sent))
      .filter((text, i) => i > 0 && text === messages[i - 1]).length;
    expect(twice).toBe(report.faults.duplicate);
  });

  test('reorder: every message arrives once, none further than five of its stream from its place', async () => {
    const { report, client } = await run({ reorder: 0.05 }, (so) => so.faults.reorder > 100);
    expect(total(report.due)).toBe(total(report.sent) + report.held);
    await client.until(total(report.sent));
    const byStream = new Map<string, number[]>();
    for (const text of client.messages) {
      const { stream } = JSON.parse(text) as { stream: string };
      byStream.set(stream, [...(byStream.get(stream) ?? []), idOf(text)]);
    }
    let moved = 0;
    for (const ids of byStream.values()) {
      expect(new Set(ids).size).toBe(ids.length);
      const overtaken = ids.map(
        (id, i) => ids.slice(Math.max(0, i - 12), i).filter((other) => other > id).length,
      );
      expect(Math.max(...overtaken)).toBeLessThanOrEqual(5);
      moved += overtaken.filter((count) => count > 0).length;
    }
    expect(moved).toBeGreaterThan(10);
  });

  test('disconnect: the socket is gone without a close frame', async () => {
    const { report, client } = await run({ disconnect: 0.001 }, (so) => so.faults.disconnect > 0);
    expect(await client.closed).toBe(1006);
    expect(report.faults.disconnect).toBe(1);
    expect(report.dropped.disconnect).toBe(1);
    expect(report.connections.cut).toEqual({ mischief: 1 });
  });

  test('silence: nothing comes any more, not even a pong, while the socket stays open', async () => {
    const { report, client } = await run({ silence: 0.001 }, ({ dropped }) => dropped.silence > 100);
    expect(report.faults.silence).toBe(1);
    await sleep(100); // what was on its way has come
    const before = client.messages.length;
    let pongs = 0;
    client.socket.on('pong', () => pongs++);
    client.socket.ping();
    client.socket.send('{"method":"LIST_SUBSCRIPTIONS","id":1}');
    await sleep(300);
    expect([client.messages.length, pongs, client.socket.readyState]).toEqual([before, 0, 1]);
  });

  test('garbage: is added to the true messages, which all arrive', async () => {
    const { report, client } = await run({ garbage: 0.02 }, (so) => so.faults.garbage > 50);
    expect(total(report.sent)).toBe(total(report.due));
    await client.until(total(report.sent) + report.faults.garbage);
  });

  test('all at once: the books of every connection balance', async () => {
    const simulator = await simulate({
      seed,
      faults: {
        drop: 0.01,
        duplicate: 0.01,
        reorder: 0.01,
        disconnect: 0.0005,
        silence: 0.0002,
        garbage: 0.01,
      },
      hold: true,
      ticksPerSecond: 20_000,
    });
    for (let i = 0; i < 6; i++)
      await connect(
        simulator,
        `/stream?streams=${streams(simulator, ['trade', 'bookTicker', 'depth@100ms'])}`,
        { skipUTF8Validation: true },
      );
    simulator.start();
    for (let i = 0; i < 6; i++) {
      await sleep(100);
      expect(simulator.report().balanced).toBe(true);
    }
  });
});

test('garbage comes in every announced kind, ten megabytes among them', () => {
  const dice = new Dice(5);
  const sample = Buffer.from(
    '{"stream":"btcusdt@trade","data":{"e":"trade","E":1,"s":"BTCUSDT","t":7,"p":"1.50000000","q":"2.00000000","T":1,"m":true,"M":true}}',
  );
  const made = Array.from({ length: 4_000 }, () => garbage(dice, sample));
  const kinds: readonly [string, (text: string) => boolean][] = [
    ['truncated', (text) => sample.toString().startsWith(text) && text.length < sample.length],
    ['NaN', (text) => text.includes('"p":NaN')],
    ['1e309', (text) => text.includes('"1e309"')],
    ['negative', (text) => text.includes('"-1.00000000"')],
    ['zero', (text) => text.includes('"p":"0.00000000"')],
    ['40 digits', (text) => /"\d\.\d{40}"/.test(text)],
    ['a number', (text) => text.includes('"p":1234.5')],
    ['unknown symbol', (text) => text.includes('NOSUCHUSDT')],
    ['unknown event', (text) => text.includes('"e":"surprise"')],
    ['__proto__', (text) => text.includes('"__proto__"')],
    ['deep nesting', (text) => text.startsWith('[[[[[')],
    ['a key twice', (text) => text.includes('"p":"1.50000000","p":')],
    ['BOM', (text) => text.startsWith('\ufeff')],
    ['10 MB', (text) => text.length > 10_000_000],
  ];
  const missing = kinds.filter(([, is]) => !made.some((piece) => is(piece.toString())));
  expect(missing.map(([name]) => name)).toEqual([]);
  expect(made.some((piece) => piece instanceof Buffer && piece.includes(0xff))).toBe(true);
  expect(made.every((piece) => piece.toString() !== sample.toString())).toBe(true);
});
