import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { dataOf, PlainBook, simulateBackpack, subscribe, untilSeen } from './backpack-client.ts';
import { connect, type Loose, sharedData } from './client.ts';

const seed = Number(process.env['SEED'] ?? Date.now() % 2 ** 31);
const recorded = join(sharedData, 'backpack-messages.jsonl');
const symbol = 'SOL_USDC';
const types = [
  'bookTicker',
  'depth',
  'depth.200ms',
  'depth.600ms',
  'depth.1000ms',
  'trade',
  'kline.1s',
  'kline.1m',
  'ticker',
];
const streams = types.map((type) => `${type}.${symbol}`);
const micros = /^\d{16}$/;

describe(`the streams of the simulated Backpack (SEED=${seed})`, () => {
  test('every message has the fields of the document, in their form', async () => {
    const client = await subscribe(await simulateBackpack({ seed }), streams);
    await untilSeen(client, streams, 1);
    for (const stream of streams) {
      const [data] = dataOf(client, stream);
      expect([data.s, data.e]).toEqual([symbol, stream.split('.')[0]]);
      expect(String(data.E)).toMatch(micros);
    }
    const price = expect.stringMatching(/^\d+\.\d\d$/);
    const size = expect.stringMatching(/^\d+\.\d\d$/);
    const us = expect.any(Number);
    expect(dataOf(client, `bookTicker.${symbol}`)[0]).toEqual({
      e: 'bookTicker',
      E: us,
      s: symbol,
      a: price,
      A: size,
      b: price,
      B: size,
      u: us,
      T: us,
    });
    const [trade] = dataOf(client, `trade.${symbol}`);
    expect(trade).toEqual({
      e: 'trade',
      E: us,
      s: symbol,
      p: price,
      q: size,
      b: expect.stringMatching(/^\d{18}$/),
      a: expect.stringMatching(/^\d{18}$/),
      t: us,
      T: us,
      m: expect.any(Boolean),
    });
    expect(String(trade.T)).toMatch(micros);
    const [bar] = dataOf(client, `kline.1m.${symbol}`);
    expect(bar).toEqual({
      e: 'kline',
      E: us,
      s: symbol,
      t: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:00$/),
      T: expect.any(String),
      o: price,
      c: price,
      h: price,
      l: price,
      v: size,
      n: us,
      X: expect.any(Boolean),
    });
    expect(Date.parse(`${bar.T}Z`) - Date.parse(`${bar.t}Z`)).toBe(60_000);
    expect(Object.keys(dataOf(client, `ticker.${symbol}`)[0])).toEqual('E,V,c,e,h,l,n,o,s,v'.split(','));
  });

  test.skipIf(!existsSync(recorded))(
    'the keys of each message are the recorded ones, in their order',
    async () => {
      const real: Loose[] = readFileSync(recorded, 'utf8')
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line));
      const client = await subscribe(await simulateBackpack({ seed }), streams);
      await untilSeen(client, streams, 1);
      for (const type of ['bookTicker', 'depth', 'depth.200ms', 'trade', 'ticker']) {
        const theirs = real.find(({ data }) => data?.e === type.split('.')[0])!;
        const ours = client.messages
          .map((text) => JSON.parse(text))
          .find(({ stream }) => stream === `${type}.${symbol}`);
        expect(Object.keys(ours)).toEqual(Object.keys(theirs));
        expect(Object.keys(ours.data), type).toEqual(Object.keys(theirs.data));
      }
    },
  );

  test('the same seed and start time bring the same bytes', async () => {
    const digests: string[] = [];
    for (let i = 0; i < 2; i++) {
      const simulator = await simulateBackpack({
        seed,
        hold: true,
        speed: 4,
        startTimeMs: Date.UTC(2026, 0, 31, 23, 59, 58),
      });
      const client = await subscribe(simulator, [
        ...streams,
        'trade.BTC_USDC_PERP',
        'depth.ETH_USDC',
        'nothing',
      ]);
      await client.until(1); // the error tells that the rest was read
      simulator.start();
      const messages = await client.until(1_500);
      digests.push(createHash('sha256').update(messages.slice(0, 1_500).join('\n')).digest('hex'));
    }
    expect(digests[1]).toBe(digests[0]);
  });

  test.each(['number', 'string', 'alternate'] as const)('ids are written as: %s', async (ids) => {
    const simulator = await simulateBackpack({ seed, backpack: { ids } });
    const client = await subscribe(simulator, [`trade.${symbol}`, `bookTicker.${symbol}`, `depth.${symbol}`]);
    await client.until(60);
    const kinds = new Set(
      client.messages
        .map((text) => JSON.parse(text).data)
        .flatMap(({ t, u, U }) => [t, u, U])
        .filter((id) => id !== undefined)
        .map((id) => typeof id),
    );
    expect(kinds).toEqual(new Set(ids === 'alternate' ? ['number', 'string'] : [ids]));
    const traded = dataOf(client, `trade.${symbol}`).map(({ t }) => Number(t));
    expect(traded.slice(1)).toEqual(traded.slice(0, -1).map((id) => id + 1));
  });

  test.each(['iso', 'seconds', 'milliseconds', 'microseconds'] as const)(
    'times of klines as: %s',
    async (klineTimes) => {
      const simulator = await simulateBackpack({ seed, backpack: { klineTimes } });
      const client = await subscribe(simulator, [`kline.1m.${symbol}`]);
      await client.until(1);
      const { t, E } = dataOf(client, `kline.1m.${symbol}`)[0];
      const unit = { iso: 1, seconds: 1_000, milliseconds: 1, microseconds: 0.001 }[klineTimes];
      const ms = klineTimes === 'iso' ? Date.parse(`${t}Z`) : t * unit;
      expect(ms).toBe(Math.floor((E / 1_000 - 1) / 60_000) * 60_000);
    },
  );
});

describe(`the books of the simulated Backpack (SEED=${seed})`, () => {
  test('in every depth stream each update follows on the one before, and all lead to the same book', async () => {
    const simulator = await simulateBackpack({ seed, hold: true });
    const names = ['depth', 'depth.200ms', 'depth.600ms', 'depth.1000ms'].map((name) => `${name}.${symbol}`);
    const client = await subscribe(simulator, [...names, 'nothing']);
    await client.until(1);
    const { restUrl } = simulator.venues.backpack!;
    const start: Loose = await (await fetch(`${restUrl}/api/v1/depth?symbol=${symbol}`)).json();
    simulator.start();
    await untilSeen(client, names, 2);
    const after = new Map<number, string>();
    for (const name of names) {
      const book = new PlainBook();
      book.take(start);
      let last = start.lastUpdateId;
      for (const update of dataOf(client, name)) {
        expect(update.U, name).toBe(last + 1);
        expect(update.u).toBeGreaterThanOrEqual(update.U);
        last = update.u;
        book.take(update);
        const [bid, ask] = book.best;
        expect(bid).toBeLessThan(ask);
        const text = book.text();
        if (name === names[0]) after.set(last, text);
        else expect(text).toBe(after.get(Math.max(...[...after.keys()].filter((u) => u <= last))));
      }
    }
  });

  test('the best prices after an update are those of the book ticker with its id', async () => {
    const simulator = await simulateBackpack({ seed, hold: true });
    const client = await subscribe(simulator, [`depth.${symbol}`, `bookTicker.${symbol}`, 'nothing']);
    await client.until(1);
    const start: Loose = await (
      await fetch(`${simulator.venues.backpack!.restUrl}/api/v1/depth?symbol=${symbol}`)
    ).json();
    simulator.start();
    await untilSeen(client, [`depth.${symbol}`, `bookTicker.${symbol}`], 50);
    const tops = new Map(
      dataOf(client, `bookTicker.${symbol}`).map(({ u, a, b }) => [u, [Number(b), Number(a)]]),
    );
    const book = new PlainBook();
    book.take(start);
    let checked = 0;
    for (const update of dataOf(client, `depth.${symbol}`)) {
      book.take(update);
      const top = tops.get(update.u);
      if (top === undefined) continue;
      expect(book.best).toEqual(top);
      checked++;
    }
    expect(checked).toBeGreaterThan(30);
  });
});

describe('what the simulated Backpack answers', () => {
  test.skipIf(!existsSync(recorded))(
    'errors are the recorded ones, and good subscriptions are not answered',
    async () => {
      const real = readFileSync(recorded, 'utf8')
        .split('\n')
        .filter((line) => line.startsWith('{"id":null'));
      const simulator = await simulateBackpack({ seed, hold: true });
      const client = await subscribe(simulator, [`trade.${symbol}`, `foo.${symbol}`]);
      client.socket.send('{');
      client.socket.send(`{"method":"SUBSCRIBE","params":["depth.50ms.${symbol}"]}`);
      expect(await client.until(3)).toEqual(real);
    },
  );

  test('streams of unknown symbols and intervals do not exist; a month is no minute', async () => {
    const simulator = await simulateBackpack({ seed, hold: true });
    const client = await subscribe(simulator, [
      'trade.XYZ_USDC',
      `kline.1M.${symbol}`,
      `kline.1month.${symbol}`,
      'trade',
    ]);
    client.socket.send('{"method":"SUBSCRIBE","params":["depth.SOL_USDC_PERP","x"],"id":7}');
    const messages = (await client.until(4)).map((text) => JSON.parse(text));
    expect(messages.map(({ id, error }) => [id, error.code])).toEqual([
      [null, 4006],
      [null, 4006],
      [null, 4006],
      [7, 4006],
    ]);
  });

  test('after UNSUBSCRIBE nothing comes any more', async () => {
    const client = await subscribe(await simulateBackpack({ seed }), [`trade.${symbol}`, 'trade.BTC_USDC']);
    await untilSeen(client, [`trade.${symbol}`, 'trade.BTC_USDC'], 1);
    client.socket.send(`{"method":"UNSUBSCRIBE","params":["trade.${symbol}"]}`);
    client.socket.send('{"method":"SUBSCRIBE","params":["x"]}');
    const all = (): Loose[] => client.messages.map((text) => JSON.parse(text));
    while (!all().some(({ error }) => error !== undefined)) await client.until(client.messages.length + 1);
    await client.until(client.messages.length + 10);
    const place = all().findIndex(({ error }) => error !== undefined);
    expect(
      new Set(
        all()
          .slice(place + 1)
          .map(({ stream }) => stream),
      ),
    ).toEqual(new Set(['trade.BTC_USDC']));
  });

  test('scenario 4: it pings, cuts who does not answer, and ends with a Close frame', async () => {
    const simulator = await simulateBackpack({ seed, hold: true, pingIntervalMs: 30, pongTimeoutMs: 100 });
    const mute = await connect(simulator.venues.backpack!, '/', { autoPong: false });
    const polite = await connect(simulator.venues.backpack!, '/');
    expect(await mute.closed).toBe(1008);
    expect(polite.socket.readyState).toBe(polite.socket.OPEN);
    simulator.command({ kind: 'shutdown', connection: 'all', afterMs: 10 });
    expect(await polite.closed).toBe(1001);
  });
});

describe(`faults of the simulated Backpack (SEED=${seed})`, () => {
  test('scenario 16: a skipped depth update leaves a hole in the ids', async () => {
    const simulator = await simulateBackpack({ seed });
    const name = `depth.${symbol}`;
    const client = await subscribe(simulator, [name]);
    await client.until(5);
    simulator.command({ kind: 'drop', symbol, of: 'depth' });
    await client.until(client.messages.length + 5);
    const updates = dataOf(client, name);
    const holes = updates.slice(1).filter(({ U }, i) => U !== updates[i]!.u + 1);
    expect(holes).toHaveLength(1);
  });

  test('scenario 16 and 21: crossed books and prices 100 times away, when ordered', async () => {
    const simulator = await simulateBackpack({ seed });
    const [depth, trade] = [`depth.${symbol}`, `trade.${symbol}`];
    const client = await subscribe(simulator, [depth, trade]);
    await untilSeen(client, [depth, trade], 3);
    simulator.command({ kind: 'crossed', symbol });
    simulator.command({ kind: 'price', symbol, factor: 100 });
    await client.until(client.messages.length + 30);
    const prices = dataOf(client, trade).map(({ p }) => Number(p));
    expect(prices.filter((price) => price > 50 * prices[0]!)).toHaveLength(1);
    const bids = dataOf(client, depth).flatMap(({ b }) =>
      b.filter(([, size]: string[]) => Number(size) > 0).map(([price]: string[]) => Number(price)),
    );
    expect(bids.filter((bid) => bid > prices[0]! * 1.005)).toHaveLength(1);
  });

  test.each(['ignored', 'refused', 'partly'] as const)(
    'scenario 8: a request to subscribe is %s',
    async (fate) => {
      const simulator = await simulateBackpack({ seed });
      simulator.command({ kind: 'subscribe', fate, count: 1 });
      const client = await subscribe(simulator, [`trade.${symbol}`, 'trade.BTC_USDC']);
      client.socket.send('{"method":"SUBSCRIBE","params":["trade.ETH_USDC"]}');
      const granted = fate === 'partly' ? ['trade.ETH_USDC', `trade.${symbol}`] : ['trade.ETH_USDC'];
      await untilSeen(client, granted, 5);
      const heard = [`trade.${symbol}`, 'trade.BTC_USDC'].map((stream) => dataOf(client, stream).length > 0);
      expect(heard).toEqual([fate === 'partly', false]);
      expect(client.messages.filter((text) => text.includes('"error"'))).toHaveLength(
        fate === 'refused' ? 1 : 0,
      );
    },
  );
});
