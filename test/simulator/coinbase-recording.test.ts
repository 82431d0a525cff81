import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { get, type Loose, sharedData, simulate } from './client.ts';
import { PlainBook, parsed, subscribe } from './coinbase-client.ts';

const file = join(sharedData, 'coinbase-10products-2021-04-17.tsv.gz');

describe.skipIf(!existsSync(file))('a recording of Coinbase, played', () => {
  test('every product gets exactly its recorded lines, in their order, and REST knows what was played', async () => {
    const lines = gunzipSync(readFileSync(file)).toString().trim().split('\n');
    const messages = lines.map((line) => line.slice(line.indexOf('\t') + 1));
    const simulator = await simulate({ venues: ['coinbase'], hold: true, recording: { file, speed: 'max' } });
    const venue = simulator.venues.coinbase!;
    const products = venue.listing.map(({ symbol }) => symbol);
    expect(products).toHaveLength(10);
    expect(venue.listing.find(({ symbol }) => symbol === 'SKL-USD')).toMatchObject({
      base: 'SKL',
      quote: 'USD',
      tickSize: '0.00010000',
      stepSize: '0.10000000',
    });
    const client = await subscribe(simulator, ['ticker', 'matches', 'level2_batch'], products);
    await client.until(1);
    simulator.start();
    await simulator.finished;
    const due = messages.filter((text) => !text.startsWith('{"type":"subscriptions"'));
    await client.until(1 + due.length);
    expect(client.messages.slice(1)).toEqual(due);

    const played = parsed(client).filter(({ product_id: id }) => id === 'SKL-USD');
    const book = new PlainBook();
    for (const each of played) if (['snapshot', 'l2update'].includes(each.type)) book.take(each);
    const { body } = await get(venue, '/products/SKL-USD/book?level=2');
    const told = [...body.bids, ...body.asks].map(
      ([price, size]: string[]) => `${Number(price)} ${Number(size)}`,
    );
    const known = [...book.bids, ...book.asks].map(([price, size]) => `${Number(price)} ${Number(size)}`);
    expect(told).toHaveLength(known.length);
    expect(new Set(told)).toEqual(new Set(known));
    const trades = (await get(venue, '/products/SKL-USD/trades')).body;
    const matches: Loose[] = played.filter(({ type }) => type === 'match' || type === 'last_match');
    expect(trades.toReversed()).toEqual(
      matches.map(({ trade_id, side, size, price, time }) => ({ trade_id, side, size, price, time })),
    );
    const late = await subscribe(simulator, ['level2_batch'], ['SKL-USD']);
    const [, snapshot] = await late.until(2);
    expect(JSON.parse(snapshot!).bids).toHaveLength(book.bids.size);
  });

  test('a paced playback sends the lines of what one has subscribed, and balances', async () => {
    const simulator = await simulate({ venues: ['coinbase'], hold: true, recording: { file, speed: 100 } });
    const client = await subscribe(simulator, ['matches'], ['SKL-USD', 'SKL-BTC']);
    await client.until(1);
    simulator.start();
    await client.until(20);
    expect(parsed(client, 'match', 'last_match').length).toBe(19);
    expect(simulator.report().balanced).toBe(true);
  });
});
