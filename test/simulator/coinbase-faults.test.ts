import { describe, expect, test } from 'vitest';
import { connect, type Loose } from './client.ts';
import { booksOf, PlainBook, parsed, simulateCoinbase, subscribe } from './coinbase-client.ts';

const seed = Number(process.env['SEED'] ?? Date.now() % 2 ** 31);
const symbol = 'BTC-USD';

describe(`faults of the simulated Coinbase (SEED=${seed})`, () => {
  test('scenario 14: dropped trades are missing from the stream and known to REST', async () => {
    const simulator = await simulateCoinbase({ seed });
    const client = await subscribe(simulator, ['matches']);
    await client.until(5);
    simulator.command({ kind: 'drop', symbol, count: 3 });
    await client.until(client.messages.length + 20);
    const ids = parsed(client, 'match').map(({ trade_id: id }) => id);
    const place = ids.findIndex((id, i) => i > 0 && id !== ids[i - 1]! + 1);
    expect(ids[place]! - ids[place - 1]!).toBe(4);
    const { restUrl } = simulator.venues.coinbase!;
    const rows: Loose = await (
      await fetch(`${restUrl}/products/${symbol}/trades?after=${ids[place]}&before=${ids[place - 1]}`)
    ).json();
    expect(rows).toHaveLength(3);
  });

  test('scenario 12: a duplicated trade comes twice, byte for byte', async () => {
    const simulator = await simulateCoinbase({ seed });
    const client = await subscribe(simulator, ['matches']);
    await client.until(5);
    simulator.command({ kind: 'duplicate', symbol });
    await client.until(client.messages.length + 5);
    expect(client.messages.length - new Set(client.messages).size).toBe(1);
  });

  test('scenario 27: a heartbeat runs ahead of the data', async () => {
    const simulator = await simulateCoinbase({ seed, ticksPerSecond: 400 });
    const client = await subscribe(simulator, ['matches', 'heartbeat']);
    simulator.command({ kind: 'heartbeatAhead', symbol, by: 7 });
    let last: number | undefined;
    while (parsed(client, 'heartbeat').length < 2) await client.until(client.messages.length + 1);
    const leads: number[] = [];
    for (const message of parsed(client, 'match', 'heartbeat')) {
      if (message.type === 'match') last = message.trade_id;
      else if (last !== undefined) leads.push(message.last_trade_id - last);
    }
    expect(leads.length).toBeGreaterThan(0);
    for (const lead of leads) expect(lead).toBe(7);
  });

  test('scenario 16: a crossed book comes when it is ordered, and only then', async () => {
    const simulator = await simulateCoinbase({ seed });
    const client = await subscribe(simulator, ['level2_batch']);
    await client.until(6);
    booksOf(parsed(client, 'snapshot', 'l2update'));
    simulator.command({ kind: 'crossed', symbol });
    await client.until(client.messages.length + 3);
    const book = new PlainBook();
    const crossed = parsed(client, 'snapshot', 'l2update').map((message) => {
      book.take(message);
      return book.bestBid >= book.bestAsk;
    });
    expect(crossed.at(0)).toBe(false);
    expect(crossed).toContain(true);
  });

  test('scenario 21: a price 100 times away', async () => {
    const simulator = await simulateCoinbase({ seed });
    const client = await subscribe(simulator, ['matches']);
    await client.until(5);
    simulator.command({ kind: 'price', symbol, factor: 100, count: 2 });
    await client.until(client.messages.length + 10);
    const prices = parsed(client, 'match').map(({ price }) => Number(price));
    expect(prices.filter((price) => price > 50 * prices[0]!)).toHaveLength(2);
  });

  test('an update of the book without a time', async () => {
    const simulator = await simulateCoinbase({ seed });
    const client = await subscribe(simulator, ['level2_batch']);
    await client.until(1);
    simulator.command({ kind: 'zeroTime', symbol, count: 2 });
    await client.until(8);
    const times = parsed(client, 'l2update').map(({ time }) => time);
    expect(times.filter((time) => time === '0001-01-01T00:00:00.000000Z')).toHaveLength(2);
  });

  test('a product is muted and the others go on; a killed connection takes nobody with it', async () => {
    const simulator = await simulateCoinbase({ seed });
    const first = await subscribe(simulator, ['matches'], [symbol, 'ETH-USD']);
    const second = await subscribe(simulator, ['matches'], [symbol]);
    await first.until(4);
    simulator.command({ kind: 'mute', symbol, of: 'trade', connection: 0 });
    await first.until(first.messages.length + 3);
    const before = first.messages.length;
    await first.until(before + 10);
    expect(
      new Set(
        parsed(first, 'match')
          .slice(-8)
          .map(({ product_id: id }) => id),
      ),
    ).toEqual(new Set(['ETH-USD']));
    simulator.command({ kind: 'kill', connection: 0 });
    expect(await first.closed).toBe(1006);
    await second.until(second.messages.length + 3);
    expect(simulator.report().balanced).toBe(true);
  });

  test.each(['ignored', 'unanswered', 'refused', 'partly'] as const)(
    'scenario 8: a request to subscribe is %s',
    async (fate) => {
      const simulator = await simulateCoinbase({ seed });
      simulator.command({ kind: 'subscribe', fate, count: 1 });
      const client = await connect(simulator.venues.coinbase!, '/');
      const request = { type: 'subscribe', product_ids: [symbol, 'ETH-USD'], channels: ['matches'] };
      client.socket.send(JSON.stringify(request));
      if (fate === 'ignored') client.socket.send('{"type":"unsubscribe","channels":["ticker"]}');
      await client.until(1);
      const granted = { ignored: 0, unanswered: 2, refused: 0, partly: 1 }[fate];
      const products = (): Set<string> => new Set(parsed(client, 'match').map(({ product_id: id }) => id));
      while (products().size < granted) await client.until(client.messages.length + 1);
      if (granted > 0) await client.until(client.messages.length + 10);
      const told = parsed(client, 'subscriptions')[0]?.channels[0]?.product_ids;
      const heard = new Set(parsed(client, 'match').map(({ product_id: id }) => id));
      expect({
        told,
        heard: [...heard].toSorted((left, right) => (left < right ? -1 : 1)),
        errors: parsed(client, 'error').length,
      }).toEqual(
        {
          ignored: { told: undefined, heard: [], errors: 0 },
          unanswered: { told: undefined, heard: [symbol, 'ETH-USD'], errors: 0 },
          refused: { told: undefined, heard: [], errors: 1 },
          partly: { told: [symbol, 'ETH-USD'], heard: [symbol], errors: 0 },
        }[fate],
      );
    },
  );
});
