/** The venues beside the first keep their ids, books and trades over a restart as the first one does. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, onTestFinished, test } from 'vitest';
import { Followers } from '../../src/simulator/followers.ts';
import { Keeper, type Resumed, resume } from '../../src/simulator/keeper.ts';
import { SimulatedMarket } from '../../src/simulator/market.ts';
import type { Simulator } from '../../src/simulator/options.ts';
import { SatellitePit } from '../../src/simulator/satellite-pit.ts';
import { StateFile } from '../../src/simulator/state-file.ts';
import { type Client, connect, get, type Loose, scratchFolder } from './client.ts';
import { launch, told } from './simulator-process.ts';

const seed = Number(process.env['SEED'] ?? Date.now() % 2 ** 31);
const options = { seed, symbols: 3, ticksPerSecond: 200 };
const startMs = Date.UTC(2026, 0, 1);
const minuteUs = 60_000_000;

/** Two symbols of other venues for each of the first. */
function follow({ pits }: SimulatedMarket, genesisMs: number): Followers {
  const digits = { priceDecimals: 4, sizeDecimals: 5 };
  return new Followers(
    pits.flatMap((pit, index) => {
      const { base } = pit.instrument;
      const rows = [
        { symbol: `${base}-USD`, quote: 'USD', ...digits, share: 0.6, basisPoints: 1 },
        { symbol: `${base}_USDC`, quote: 'USDC', ...digits, share: 0.4, basisPoints: -1 },
      ];
      return rows.map((row, place) => new SatellitePit(2 * index + place, pit, row, seed, genesisMs));
    }),
  );
}

function begin(): Resumed {
  const market = new SimulatedMarket({ ...options, startUs: startMs * 1_000 });
  const followers = follow(market, startMs);
  followers.restore({});
  return { market, followers, genesisMs: startMs, barsUntilMs: 0, replayed: false };
}

function keeperOf(file: StateFile, resumed: Resumed): Keeper {
  const keeper = new Keeper(file, options, resumed);
  onTestFinished(() => keeper.close());
  const { market, followers } = resumed;
  market.voice = { ...followers.voice, second: (ms) => keeper.second(ms) };
  return keeper;
}

/** A market that has run for so many minutes, and was saved to the file. */
function saved(file: StateFile, minutes: number): Resumed {
  const begun = begin();
  const keeper = keeperOf(file, begun);
  keeper.start(true);
  begun.market.advance(begun.market.timeUs + minutes * minuteUs, Infinity);
  keeper.close();
  return begun;
}

/** Ids, books, dice and last trades of all symbols. */
function everything({ market, followers }: Resumed): unknown {
  const newest = followers.pits.map(({ tape }) => tape.row(tape.length - 1));
  return [market.state(), followers.state(), newest];
}

function change(path: string, edit: (content: Loose) => void): void {
  const content: Loose = JSON.parse(readFileSync(path, 'utf8'));
  edit(content);
  writeFileSync(path, JSON.stringify(content));
}

describe(`symbols of other venues (SEED=${seed})`, () => {
  test('go on after a restart as if there had been none, with the trades and bars of before', () => {
    const file = new StateFile(join(scratchFolder(), 'state.json'));
    const first = saved(file, 2.5);
    const nowUs = first.market.timeUs + minuteUs / 10;
    const second = resume(file, file.read()!, options, nowUs, follow);
    expect(second.replayed).toBe(true);
    first.market.advance(nowUs, Infinity);
    expect(everything(second)).toEqual(everything(first));
    for (const [i, { tape }] of second.followers.pits.entries()) {
      const before = first.followers.pits[i]!.tape;
      expect(tape.minutes).toEqual(before.minutes);
      expect(tape.length).toBeGreaterThan(20);
      for (let back = 1; back <= tape.length; back++)
        expect(tape.row(tape.length - back)).toEqual(before.row(before.length - back));
      // Its ids begin at the checkpoint, and none is missing from there on.
      expect(tape.row(tape.length - 1).id - tape.row(0).id).toBe(tape.length - 1);
    }
  });

  test('and go on after a second and third restart, each from the file of the one before', () => {
    const file = new StateFile(join(scratchFolder(), 'state.json'));
    let last = saved(file, 3.2);
    for (let restart = 0; restart < 2; restart++) {
      const next = resume(file, file.read()!, options, last.market.timeUs + minuteUs / 10, follow);
      expect(next.replayed).toBe(true);
      const keeper = keeperOf(file, next);
      keeper.start(false);
      next.market.advance(next.market.timeUs + 3.3 * minuteUs, Infinity);
      keeper.close();
      last.market.voice = last.followers.voice;
      last.market.advance(next.market.timeUs, Infinity);
      expect(everything(next)).toEqual(everything(last));
      last = next;
    }
  });

  test('after a long absence skip ahead by what would have been traded, as the first venue does', () => {
    const file = new StateFile(join(scratchFolder(), 'state.json'));
    const first = saved(file, 1.5);
    const days = 2;
    const nowUs = first.market.timeUs + days * 1_440 * minuteUs;
    const second = resume(file, file.read()!, options, nowUs, follow);
    expect(second.replayed).toBe(false);
    const least = days * 86_400 * options.ticksPerSecond;
    for (const [i, pit] of second.followers.pits.entries()) {
      const before = first.followers.pits[i]!;
      expect(pit.tradeId).toBeGreaterThan(before.tradeId + least);
      expect(pit.updateId).toBeGreaterThan(before.updateId + least);
      expect(Math.abs(pit.bids.best / before.bids.best - 1)).toBeLessThan(0.01);
    }
  });

  test('a file of before they were saved is read: the first venue goes on, they begin', () => {
    const file = new StateFile(join(scratchFolder(), 'state.json'));
    const first = saved(file, 2.5);
    const ours = new Set(first.market.pits.map(({ instrument }) => instrument.symbol));
    change(`${file.path}.checkpoint`, (content) => delete content.satellites);
    change(file.path, (content) => {
      for (const symbol of Object.keys(content.last)) if (!ours.has(symbol)) delete content.last[symbol];
    });
    const bars = readFileSync(`${file.path}.bars`, 'utf8').split('\n');
    writeFileSync(`${file.path}.bars`, bars.filter((line) => ours.has(line.split(' ')[0]!)).join('\n'));
    const nowUs = first.market.timeUs + minuteUs / 10;
    const second = resume(file, file.read()!, options, nowUs, follow);
    expect(second.replayed).toBe(true);
    first.market.advance(nowUs, Infinity);
    expect(second.market.state()).toEqual(first.market.state());
    for (const { tape, bids, asks, instrument } of second.followers.pits) {
      expect(bids.best).toBeLessThan(asks.best);
      expect(tape.minutes[0]!.openMs, instrument.symbol).toBe(startMs); // as the first venue knows it
    }
    // And from then on they are kept.
    const keeper = keeperOf(file, second);
    keeper.start(false);
    second.market.advance(second.market.timeUs + 1.5 * minuteUs, Infinity);
    keeper.close();
    const third = resume(file, file.read()!, options, second.market.timeUs, follow);
    expect(third.replayed).toBe(true);
    expect(everything(third)).toEqual(everything(second));
  });
});

interface Print {
  readonly id: number;
  readonly price: number;
  readonly size: number;
}

interface Watched {
  readonly coinbase: Client;
  readonly backpack: Client;
}

/** Trades of BTC at both venues, some of each at least. */
async function watch({ venues }: Pick<Simulator, 'venues'>): Promise<Watched> {
  const coinbase = await connect(venues.coinbase!, '/');
  coinbase.socket.send('{"type":"subscribe","product_ids":["BTC-USD"],"channels":["matches"]}');
  const backpack = await connect(venues.backpack!, '/');
  backpack.socket.send('{"method":"SUBSCRIBE","params":["trade.BTC_USDC"]}');
  await Promise.all([coinbase.until(25), backpack.until(25)]);
  return { coinbase, backpack };
}

function prints({ coinbase, backpack }: Watched): Print[][] {
  const matches = coinbase.messages.flatMap((text): Print[] => {
    const { type, trade_id: id, price, size }: Loose = JSON.parse(text);
    return type === 'match' ? [{ id, price: Number(price), size: Number(size) }] : [];
  });
  const trades = backpack.messages.flatMap((text): Print[] => {
    const { stream, data }: Loose = JSON.parse(text);
    if (stream !== 'trade.BTC_USDC') return [];
    return [{ id: Number(data.t), price: Number(data.p), size: Number(data.q) }];
  });
  return [matches, trades];
}

test('killed by SIGKILL and started again, no venue gives an id twice, and each knows every trade it had sent', async () => {
  const given = {
    venues: ['binance', 'coinbase', 'backpack'] as const,
    stateFile: join(scratchFolder(), 'state.json'),
    seed,
    symbols: 3,
    ticksPerSecond: 800, // a page of 1,000 trades holds all that a slow restart takes
  };
  const child = launch(given);
  const before = await watch(await told(child, 'ready'));
  await sleep(400);
  child.kill('SIGKILL');
  await Promise.all([before.coinbase.closed, before.backpack.closed]);

  const ready = await told(launch(given), 'ready');
  const after = prints(await watch(ready));
  const rest = await Promise.all([
    get(ready.venues.coinbase!, '/products/BTC-USD/trades?limit=1000'),
    get(ready.venues.backpack!, '/api/v1/trades/history?symbol=BTC_USDC&limit=1000'),
  ]);
  const known = [
    rest[0].body.map(({ trade_id: id, price, size }: Loose) => [id, Number(price), Number(size)]),
    rest[1].body.map(({ id, price, quantity }: Loose) => [id, Number(price), Number(quantity)]),
  ].map((rows: [number, number, number][]) => rows.map(([id, price, size]) => ({ id, price, size })));
  for (const [venue, old] of prints(before).entries()) {
    const ids = new Map(known[venue]!.map((print) => [print.id, print]));
    const [next] = after[venue]!;
    expect(next!.id).toBeGreaterThan(old.at(-1)!.id);
    expect(Math.abs(next!.price / old.at(-1)!.price - 1)).toBeLessThan(0.01);
    for (const print of old) expect(ids.get(print.id)).toEqual(print);
    for (let id = old[0]!.id; id <= next!.id; id++) expect(ids.has(id)).toBe(true); // what traded meanwhile is known too
  }
});
