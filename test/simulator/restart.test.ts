import { once } from 'node:events';
import { readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, onTestFinished, test } from 'vitest';
import { Followers } from '../../src/simulator/followers.ts';
import { Keeper, resume, unsavedBarsMax } from '../../src/simulator/keeper.ts';
import { type MarketVoice, SimulatedMarket } from '../../src/simulator/market.ts';
import { startSimulator } from '../../src/simulator/simulator.ts';
import { StateFile } from '../../src/simulator/state-file.ts';
import { connect, get, type Loose, scratchFolder, simulate } from './client.ts';
import { launch, tell, told } from './simulator-process.ts';

interface Trade {
  t: number;
  p: string;
  q: string;
  T: number;
  m: boolean;
}

function trades(messages: readonly string[]): Trade[] {
  return messages.map((text) => JSON.parse(text) as Trade);
}

describe('a market with a state file', () => {
  test('goes on after a restart: ids and times rise, prices do not jump, trades and bars of before are known', async () => {
    const stateFile = join(scratchFolder(), 'deep', 'state.json');
    const options = { stateFile, seed: 31, ticksPerSecond: 2_000 };
    const first = await startSimulator(options);
    const before = await connect(first, '/ws/btcusdt@trade');
    await before.until(150);
    await first.close();
    const old = trades(before.messages);
    const second = await simulate(options);
    const after = await connect(second, '/ws/btcusdt@trade');
    const next = trades(await after.until(50));
    expect(next[0]!.t).toBeGreaterThan(old.at(-1)!.t);
    expect(next[0]!.T).toBeGreaterThanOrEqual(old.at(-1)!.T);
    expect(Math.abs(Number(next[0]!.p) / Number(old.at(-1)!.p) - 1)).toBeLessThan(0.01);
    const { body } = await get(
      second,
      `/api/v3/historicalTrades?symbol=BTCUSDT&fromId=${old[0]!.t}&limit=1000`,
    );
    const known = body
      .slice(0, old.length)
      .map((row: Loose) => [row.id, row.price, row.qty, row.time, row.isBuyerMaker]);
    expect(known).toEqual(old.map(({ t, p, q, T, m }) => [t, p, q, T, m]));
    for (let i = 1; i < body.length; i++) expect(body[i].id).toBe(body[i - 1].id + 1); // and none is missing in between
  });

  test('with other options, or after a long absence, ids skip ahead and the price goes on', async () => {
    const stateFile = join(scratchFolder(), 'state.json');
    const first = await startSimulator({
      stateFile,
      seed: 32,
      startTimeMs: Date.UTC(2026, 0, 1),
      ticksPerSecond: 1_000,
    });
    const before = await connect(first, '/ws/btcusdt@trade');
    await before.until(50);
    await first.close();
    const old = trades(before.messages).at(-1)!;
    const second = await simulate({
      stateFile,
      seed: 32,
      startTimeMs: Date.UTC(2026, 0, 3),
      ticksPerSecond: 1_000,
    });
    const after = await connect(second, '/ws/btcusdt@trade');
    const [next] = trades(await after.until(1));
    expect(next!.t).toBeGreaterThan(old.t + 2 * 86_400 * 1_000);
    expect(next!.T).toBeGreaterThanOrEqual(Date.UTC(2026, 0, 3));
    expect(Math.abs(Number(next!.p) / Number(old.p) - 1)).toBeLessThan(0.01);
  });

  test('that was saved by something else is a fault that says what to do', async () => {
    const stateFile = join(scratchFolder(), 'state.json');
    writeFileSync(stateFile, '{"hello":1}');
    await expect(startSimulator({ stateFile })).rejects.toThrow(
      `${stateFile} is no saved simulator state; delete it to begin a new market.`,
    );
  });
});

const market = { seed: 34, symbols: 3, ticksPerSecond: 100 };
const startMs = Date.UTC(2026, 0, 1);
const minuteUs = 60_000_000;

const silent = (): void => {};

/** Lets the market run, telling `keeper` of each second. */
function run(played: SimulatedMarket, keeper: Keeper, minutes: number): void {
  const voice: MarketVoice = {
    trade: silent,
    aggregate: silent,
    quote: silent,
    depth: silent,
    second: (ms) => keeper.second(ms),
  };
  played.voice = voice;
  played.advance(played.timeUs + minutes * minuteUs, Infinity);
}

function keep(file: StateFile): { played: SimulatedMarket; keeper: Keeper; warnings: string[] } {
  const warnings: string[] = [];
  const played = new SimulatedMarket({ ...market, startUs: startMs * 1_000 });
  const followers = new Followers([]);
  const begun = { market: played, followers, genesisMs: startMs, barsUntilMs: 0, replayed: false };
  const keeper = new Keeper(file, market, begun, (sentence) => warnings.push(sentence));
  keeper.start(true);
  onTestFinished(() => keeper.close());
  return { played, keeper, warnings };
}

/** A file where the folder was: nothing in it can be written until `restore`. */
function breakFolder(folder: string): { restore: () => void } {
  renameSync(folder, `${folder}.away`);
  writeFileSync(folder, '');
  const restore = (): void => {
    rmSync(folder);
    renameSync(`${folder}.away`, folder);
  };
  return { restore };
}

describe('a state file that cannot be written', () => {
  test('is warned of once, and when it can be again every minute bar of the outage is there', () => {
    const folder = join(scratchFolder(), 'state');
    const file = new StateFile(join(folder, 'state.json'));
    const { played, keeper, warnings } = keep(file);
    run(played, keeper, 2);
    const { restore } = breakFolder(folder);
    run(played, keeper, 3); // across checkpoints
    for (let i = 0; i < 3; i++) keeper.save();
    expect(warnings).toEqual([
      expect.stringMatching(/^The simulator state is not saved until .*state\.json .* \(E[A-Z]+\)\.$/),
    ]);
    restore();
    keeper.save();
    expect(warnings.slice(1)).toEqual(['The simulator state is saved again; 0 minute bars were dropped.']);
    expect(file.read()?.timeUs).toBe(played.timeUs);
    expect(file.readCheckpoint()?.timeUs).toBe(played.timeUs - minuteUs);
    const again = new SimulatedMarket({ ...market, startUs: played.timeUs });
    file.readBars(again.pits, Infinity);
    for (const [i, pit] of again.pits.entries()) {
      const made = played.pits[i]!.tape.minutes.filter((bar) => bar.openMs < played.timeUs / 1_000);
      expect(made).toHaveLength(5);
      expect(pit.tape.minutes).toEqual(made);
    }
  });

  test('makes no more bars wait than the limit: the oldest go and are counted; closing does not throw', () => {
    const folder = join(scratchFolder(), 'state');
    const file = new StateFile(join(folder, 'state.json'));
    const { played, keeper, warnings } = keep(file);
    run(played, keeper, 1);
    const { restore } = breakFolder(folder);
    const [pit] = played.pits;
    const [sample] = pit!.tape.minutes;
    const waiting = Array.from({ length: unsavedBarsMax + 7 }, (_, i) => {
      return { ...sample!, openMs: startMs + (i + 1) * 60_000 };
    });
    pit!.tape.minutes.push(...waiting);
    keeper.second(waiting.at(-1)!.openMs + 60_000);
    restore();
    keeper.save();
    const dropped = Number(/(\d+) minute bars were dropped/.exec(warnings[1]!)![1]);
    const lines = readFileSync(`${file.path}.bars`, 'utf8').trimEnd().split('\n');
    const before = played.pits.length; // bars of the first minute
    expect(dropped).toBe(7);
    expect(lines).toHaveLength(before + unsavedBarsMax);
    const second = breakFolder(folder);
    keeper.close();
    second.restore();
    expect(warnings.slice(2)).toEqual([
      expect.stringContaining('is not saved until'),
      'The simulator closes with its state not saved; 0 minute bars were dropped.',
    ]);
  });

  test('does not end the process: it goes on over a minute, saves again by itself, and closes with 0', async () => {
    const folder = join(scratchFolder(), 'state');
    const stateFile = join(folder, 'state.json');
    const child = launch({ stateFile, ...market, startTimeMs: startMs + 59_000 }, 'pipe');
    let stderr = '';
    child.stderr!.on('data', (text: Buffer) => (stderr += text.toString()));
    const ready = await told(child, 'ready');
    const { restore } = breakFolder(folder);
    const client = await connect(ready, '/ws/btcusdt@kline_1m');
    while (!client.messages.some((text) => text.includes('"x":true'))) {
      await client.until(client.messages.length + 1);
    }
    await sleep(600); // more than two saves
    expect(stderr.trimEnd().split('\n')).toEqual([expect.stringContaining('is not saved until')]);
    restore();
    while (!stderr.includes('saved again')) await once(child.stderr!, 'data');
    expect(new StateFile(stateFile).read()!.timeUs).toBeGreaterThan((startMs + 60_000) * 1_000);
    breakFolder(folder);
    const exit = once(child, 'exit');
    tell(child, { kind: 'close' });
    expect(await exit).toEqual([0, null]);
  });
});

test('after a restart the first minute leaves the older checkpoint saved, and the second saves the first', () => {
  const file = new StateFile(join(scratchFolder(), 'state.json'));
  const first = keep(file);
  run(first.played, first.keeper, 3);
  first.keeper.close();
  const from = file.readCheckpoint()!.timeUs;
  const nowUs = first.played.timeUs + minuteUs / 2;
  const resumed = resume(file, file.read()!, market, nowUs);
  expect(resumed.replayed).toBe(true);
  const keeper = new Keeper(file, market, resumed);
  keeper.start(false);
  onTestFinished(() => keeper.close());
  run(resumed.market, keeper, 1);
  expect(file.readCheckpoint()!.timeUs).toBe(from);
  run(resumed.market, keeper, 1);
  expect(file.readCheckpoint()!.timeUs).toBe(nowUs + minuteUs / 2);
});

describe('the simulator as a process', () => {
  test('killed by SIGKILL and started again, never gives an id twice, and knows every trade it had sent', async () => {
    const options = { stateFile: join(scratchFolder(), 'state.json'), seed: 33, ticksPerSecond: 2_000 };
    const child = launch(options);
    const first = await told(child, 'ready');
    const before = await connect(first, '/ws/btcusdt@trade');
    await before.until(100);
    await sleep(400);
    child.kill('SIGKILL');
    await before.closed;
    const old = trades(before.messages);
    const second = await told(launch(options), 'ready');
    const after = await connect(second, '/ws/btcusdt@trade');
    const next = trades(await after.until(50));
    expect(next[0]!.t).toBeGreaterThan(old.at(-1)!.t);
    expect(next[0]!.T).toBeGreaterThan(old.at(-1)!.T);
    expect(Math.abs(Number(next[0]!.p) / Number(old.at(-1)!.p) - 1)).toBeLessThan(0.01);
    const { body } = await get(
      second,
      `/api/v3/historicalTrades?symbol=BTCUSDT&fromId=${old.at(-20)!.t}&limit=1000`,
    );
    expect(body.slice(0, 20).map((row: Loose) => [row.id, row.price, row.qty, row.time])).toEqual(
      old.slice(-20).map(({ t, p, q, T }) => [t, p, q, T]),
    );
    expect(body.at(-1).id - body[0].id).toBe(body.length - 1);
  });

  test('starts, reports and closes on command, and says when a flood is over', async () => {
    const child = launch({ flood: { symbols: 3, messages: 1_000 }, hold: true });
    const ready = await told(child, 'ready');
    expect(ready.listing.map(({ symbol }) => symbol)).toEqual(['BTCUSDT', 'ETHUSDT', 'SOLUSDT']);
    const client = await connect(ready, '/ws/btcusdt@trade');
    tell(child, { kind: 'start' });
    const { report } = await told(child, 'finished');
    expect(await client.until(report.sent.trade)).toHaveLength(report.sent.trade);
    tell(child, { kind: 'report' });
    expect((await told(child, 'report')).report.produced).toEqual(report.produced);
    tell(child, { kind: 'close' });
    expect(await once(child, 'exit')).toEqual([0, null]);
  });

  test('ends when its parent is gone', async () => {
    const child = launch({ hold: true });
    await told(child, 'ready');
    child.disconnect();
    expect(await once(child, 'exit')).toEqual([0, null]);
  });

  test('tells its parent of a fault and exits with 2', async () => {
    const child = launch({ recording: { file: '/nowhere/x.tsv.gz', speed: 1 } });
    const exit = once(child, 'exit');
    expect((await told(child, 'fault')).message).toBe(
      'There is no recording /nowhere/x.tsv.gz; check the path.',
    );
    expect(await exit).toEqual([2, null]);
  });
});
