import { createHash, createHmac } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { type Client, connect, type Loose, sharedData } from './client.ts';
import { booksOf, keys, parsed, simulateCoinbase, subscribe } from './coinbase-client.ts';

const seed = Number(process.env['SEED'] ?? Date.now() % 2 ** 31);
const recording = join(sharedData, 'coinbase-10products-2021-04-17.tsv.gz');
const channels = ['ticker', 'matches', 'heartbeat', 'level2_batch'];
const isoTime = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$/;

/** Waits until every one of these types has come so often. */
async function untilSeen(client: Client, types: readonly string[], count: number): Promise<void> {
  while (types.some((type) => parsed(client, type).length < count))
    await client.until(client.messages.length + 1);
}

function signed(secret: string, timestamp = String(Date.now() / 1_000)): object {
  const signature = createHmac('sha256', Buffer.from(secret, 'base64'))
    .update(`${timestamp}GET/users/self/verify`)
    .digest('base64');
  return { signature, key: keys.key, passphrase: keys.passphrase, timestamp };
}

describe(`the feed of the simulated Coinbase (SEED=${seed})`, () => {
  test('every message has the fields of the document, in their form', async () => {
    const client = await subscribe(await simulateCoinbase({ seed }), channels);
    await untilSeen(client, ['ticker', 'match', 'heartbeat', 'l2update'], 2);
    const [match] = parsed(client, 'match');
    expect(match).toEqual({
      type: 'match',
      trade_id: expect.any(Number),
      maker_order_id: expect.stringMatching(
        /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/,
      ),
      taker_order_id: expect.stringMatching(/^[0-9a-f-]{36}$/),
      side: expect.stringMatching(/^(buy|sell)$/),
      size: expect.stringMatching(/^\d+(\.\d*[1-9])?$/),
      price: expect.stringMatching(/^\d+(\.\d*[1-9])?$/),
      product_id: 'BTC-USD',
      sequence: expect.any(Number),
      time: expect.stringMatching(isoTime),
    });
    const [ticker] = parsed(client, 'ticker');
    expect(Object.keys(ticker)).toEqual(
      'type,sequence,product_id,price,open_24h,volume_24h,low_24h,high_24h,volume_30d,best_bid,best_bid_size,best_ask,best_ask_size,side,time,trade_id,last_size'.split(
        ',',
      ),
    );
    for (const key of ['volume_24h', 'volume_30d']) expect(ticker[key]).toMatch(/^\d+\.\d{8}$/);
    for (const key of ['best_bid', 'best_ask']) expect(ticker[key]).toMatch(/^\d+\.\d\d$/);
    const [heartbeat] = parsed(client, 'heartbeat');
    expect(heartbeat).toEqual({
      type: 'heartbeat',
      last_trade_id: expect.any(Number),
      product_id: 'BTC-USD',
      sequence: expect.any(Number),
      time: expect.stringMatching(isoTime),
    });
    for (const { changes, time } of parsed(client, 'l2update')) {
      expect(time).toMatch(/\.\d(0|5)0000Z$/); // batches of 50 ms
      for (const [side, price, size] of changes) {
        expect(['buy', 'sell']).toContain(side);
        expect(price).toMatch(/^\d+\.\d\d$/);
        expect(size).toMatch(/^(0|\d+\.\d{8})$/);
      }
    }
  });

  test.skipIf(!existsSync(recording))(
    'the keys of each message are the recorded ones, in their order',
    async () => {
      const client = await subscribe(await simulateCoinbase({ seed }), channels);
      await untilSeen(client, ['ticker', 'match', 'snapshot', 'l2update'], 1);
      const lines = gunzipSync(readFileSync(recording)).toString().trim().split('\n');
      const real: Loose[] = lines.map((line) => JSON.parse(line.slice(line.indexOf('\t') + 1)));
      for (const type of ['ticker', 'match', 'snapshot', 'l2update']) {
        const theirs = Object.keys(real.find((each) => each.type === type));
        const ours = Object.keys(parsed(client, type)[0]).filter((key) => !/^best_.*_size$/.test(key)); // newer than 2021
        expect(ours, type).toEqual(theirs);
      }
      expect(Object.keys(real.find(({ type }) => type === 'last_match'))).toEqual(
        Object.keys(real.find(({ type }) => type === 'match')),
      );
    },
  );

  test('the same seed and start time bring the same bytes', async () => {
    const digests: string[] = [];
    for (let i = 0; i < 2; i++) {
      const simulator = await simulateCoinbase({
        seed,
        hold: true,
        speed: 4,
        startTimeMs: Date.UTC(2026, 0, 31, 23, 59, 58),
      });
      const client = await subscribe(simulator, channels, ['BTC-USD', 'ETH-USD', 'SOL-USD']);
      await client.until(4); // the answer and three snapshots
      simulator.start();
      const messages = await client.until(1_500);
      digests.push(createHash('sha256').update(messages.slice(0, 1_500).join('\n')).digest('hex'));
    }
    expect(digests[1]).toBe(digests[0]);
  });

  test('trade ids go up by one, sequences jump upwards, and a ticker tells the side of the taker', async () => {
    const client = await subscribe(await simulateCoinbase({ seed }), ['ticker', 'matches']);
    await untilSeen(client, ['ticker', 'match'], 40);
    const matches = parsed(client, 'match');
    for (const [i, { trade_id: id, sequence }] of matches.slice(1).entries()) {
      expect(id).toBe(matches[i]!.trade_id + 1);
      expect(sequence).toBeGreaterThan(matches[i]!.sequence);
    }
    expect(matches.slice(1).some(({ sequence }, i) => sequence > matches[i]!.sequence + 1)).toBe(true);
    const byId = new Map(matches.map((match) => [match.trade_id, match]));
    const pairs = parsed(client, 'ticker').flatMap((ticker) => {
      const match = byId.get(ticker.trade_id);
      return match === undefined ? [] : [[ticker, match]];
    });
    expect(pairs.length).toBeGreaterThan(20);
    for (const [ticker, match] of pairs) {
      expect([ticker.price, ticker.last_size, ticker.sequence, ticker.time]).toEqual([
        match.price,
        match.size,
        match.sequence,
        match.time,
      ]);
      expect(new Set([ticker.side, match.side])).toEqual(new Set(['buy', 'sell']));
    }
  });

  test('who comes later is told the last match and the last ticker first', async () => {
    const simulator = await simulateCoinbase({ seed });
    const first = await subscribe(simulator, ['matches']);
    await first.until(10);
    const second = await subscribe(simulator, ['matches', 'ticker']);
    await untilSeen(second, ['match'], 1);
    expect(
      parsed(second)
        .slice(0, 3)
        .map(({ type }) => type),
    ).toEqual(['subscriptions', 'last_match', 'ticker']);
    const last = parsed(second, 'last_match')[0];
    await first.until(first.messages.length + 1);
    const same = parsed(first, 'match').find(({ trade_id: id }) => id === last.trade_id);
    expect(last).toEqual({ ...same, type: 'last_match' });
    expect(parsed(second, 'match')[0].trade_id).toBe(last.trade_id + 1);
  });

  test('heartbeats come each second of market time and carry the last trade id', async () => {
    const client = await subscribe(await simulateCoinbase({ seed, speed: 4 }), ['matches', 'heartbeat']);
    await untilSeen(client, ['heartbeat'], 3);
    let last: number | undefined;
    const times: number[] = [];
    for (const message of parsed(client, 'match', 'heartbeat')) {
      if (message.type === 'match') last = message.trade_id;
      else {
        if (last !== undefined) expect(message.last_trade_id).toBe(last);
        times.push(Date.parse(message.time));
      }
    }
    expect(times.slice(1).map((time, i) => time - times[i]!)).toEqual(times.slice(1).map(() => 1_000));
  });
});

describe(`the books of the simulated Coinbase (SEED=${seed})`, () => {
  test('batches of 50 ms lead to books that the single updates lead to as well, and REST tells one of them', async () => {
    const simulator = await simulateCoinbase({ seed, hold: true });
    const single = await subscribe(simulator, ['level2'], ['ETH-USD'], signed(keys.secret));
    const batched = await subscribe(simulator, ['level2_batch'], ['ETH-USD']);
    await single.until(2);
    await batched.until(2);
    simulator.start();
    await batched.until(12);
    const response = await fetch(`${simulator.venues.coinbase!.restUrl}/products/ETH-USD/book?level=2`);
    const rest: Loose = await response.json();
    await batched.until(batched.messages.length + 2);
    const states = new Set(booksOf(parsed(single, 'snapshot', 'l2update')));
    expect(states.size).toBeGreaterThan(20);
    const told = booksOf([{ type: 'snapshot', bids: rest.bids, asks: rest.asks }]);
    for (const state of [...booksOf(parsed(batched, 'snapshot', 'l2update')), ...told])
      expect(states.has(state), state).toBe(true);
  });

  test('who comes later gets a snapshot of its moment, and the same updates go on from it', async () => {
    const simulator = await simulateCoinbase({ seed });
    const first = await subscribe(simulator, ['level2_batch']);
    await first.until(10);
    const second = await subscribe(simulator, ['level2_batch']);
    await second.until(10);
    const early = new Set(booksOf(parsed(first, 'snapshot', 'l2update')));
    const late = booksOf(parsed(second, 'snapshot', 'l2update')).slice(0, 5);
    await first.until(first.messages.length + 3);
    for (const state of late)
      expect(early.has(state) || booksOf(parsed(first, 'snapshot', 'l2update')).includes(state)).toBe(true);
  });

  test('unsubscribe and subscribe brings a new snapshot', async () => {
    const client = await subscribe(await simulateCoinbase({ seed }), ['level2_batch']);
    await client.until(5);
    client.socket.send('{"type":"unsubscribe","product_ids":["BTC-USD"],"channels":["level2_batch"]}');
    client.socket.send('{"type":"subscribe","product_ids":["BTC-USD"],"channels":["level2_batch"]}');
    await untilSeen(client, ['snapshot'], 2);
    expect(parsed(client, 'subscriptions').map(({ channels: list }) => list.length)).toEqual([1, 0, 1]);
  });
});

describe('what the simulated Coinbase answers', () => {
  test('subscriptions lists all that one has, level2_batch by its other name', async () => {
    const simulator = await simulateCoinbase({ hold: true });
    const client = await subscribe(
      simulator,
      ['matches', { name: 'level2_batch', product_ids: ['SOL-USD'] }],
      ['BTC-USD', 'ETH-USD'],
    );
    client.socket.send('{"type":"subscribe","product_ids":["SOL-USD"],"channels":["matches"]}');
    await untilSeen(client, ['subscriptions'], 2);
    expect(parsed(client, 'subscriptions')[1]).toEqual({
      type: 'subscriptions',
      channels: [
        { name: 'matches', product_ids: ['BTC-USD', 'ETH-USD', 'SOL-USD'], account_ids: null },
        { name: 'level2_50', product_ids: ['SOL-USD'], account_ids: null },
      ],
    });
  });

  test('what cannot be granted is an error each, what can be is granted', async () => {
    const client = await subscribe(
      await simulateCoinbase({ hold: true }),
      ['matches', 'ticket'],
      ['BTC-USD', 'XYZ-USD'],
    );
    const messages = await client.until(3);
    expect(messages.slice(0, 2)).toEqual([
      '{"type":"error","message":"Failed to subscribe","reason":"XYZ-USD is not a valid product"}',
      '{"type":"error","message":"Failed to subscribe","reason":"ticket is not a valid channel"}',
    ]);
    expect(JSON.parse(messages[2]!).channels).toEqual([
      { name: 'matches', product_ids: ['BTC-USD'], account_ids: null },
    ]);
  });

  test.each(['{', '[]', '{"type":"hello"}', '{"type":"subscribe"}', '{"type":"subscribe","channels":[3]}'])(
    '%s is answered with an error, and the connection stays',
    async (text) => {
      const client = await connect((await simulateCoinbase({ hold: true })).venues.coinbase!, '/');
      client.socket.send(text);
      expect(JSON.parse((await client.until(1))[0]!)).toMatchObject({
        type: 'error',
        message: expect.any(String),
      });
      client.socket.send('{"type":"subscribe","product_ids":["BTC-USD"],"channels":["heartbeat"]}');
      expect(JSON.parse((await client.until(2))[1]!)).toMatchObject({ type: 'subscriptions' });
    },
  );

  test('level2 wants a signature: none, a wrong one, an old one, and the right one', async () => {
    const simulator = await simulateCoinbase({ hold: true });
    const first = async (more: object): Promise<Loose> =>
      JSON.parse((await (await subscribe(simulator, ['level2'], ['BTC-USD'], more)).until(1))[0]!);
    expect((await first({})).reason).toMatch(/^level2, level3, and full channels now require authentication/);
    expect(await first(signed(Buffer.from('other').toString('base64')))).toMatchObject({
      type: 'error',
      message: 'Authentication Failed',
    });
    expect(await first(signed(keys.secret, String(Date.now() / 1_000 - 60)))).toMatchObject({
      type: 'error',
    });
    expect(await first(signed(keys.secret))).toMatchObject({
      type: 'subscriptions',
      channels: [{ name: 'level2' }],
    });
  });

  test('scenario 9: without a subscription in time the connection is closed', async () => {
    const simulator = await simulateCoinbase({ hold: true, limits: { coinbase: { subscribeWithinMs: 80 } } });
    const idle = await connect(simulator.venues.coinbase!, '/');
    const busy = await subscribe(simulator, ['heartbeat']);
    expect(await idle.closed).toBe(1008);
    expect(busy.socket.readyState).toBe(busy.socket.OPEN);
  });

  test('scenario 6: the 21st attempt to connect within a moment is refused with 429', async () => {
    const simulator = await simulateCoinbase({ hold: true });
    const outcomes = await Promise.allSettled(
      Array.from({ length: 24 }, () => connect(simulator.venues.coinbase!, '/')),
    );
    const refused = outcomes.filter(({ status }) => status === 'rejected') as PromiseRejectedResult[];
    expect(refused).toHaveLength(4);
    for (const { reason } of refused) expect(String(reason)).toContain('429');
  });

  test('more than 100 messages a second end the connection', async () => {
    const client = await subscribe(await simulateCoinbase({ hold: true }), ['heartbeat']);
    for (let i = 0; i < 101; i++) client.socket.send('{"type":"unsubscribe","channels":["ticker"]}');
    expect(await client.closed).toBe(1008);
  });
});
