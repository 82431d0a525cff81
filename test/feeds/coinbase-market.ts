/** Coinbase's recorded session of 2021-04-17, its products, and the obvious reading of its messages. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import type { NormaliserOptions } from '../../src/feeds/normaliser.ts';
import { recordedTimes } from '../../src/feeds/normaliser.ts';
import type { Instrument } from '../../src/market/instrument.ts';
import { decimalsOfStep } from '../../src/market/mantissa.ts';
import { listed } from './exam-candidates.ts';
import type { PlainRecord } from './plain-records.ts';

export const session = 'coinbase-10products-2021-04-17.tsv.gz';
export const products = 'coinbase-products-2021-04-17.json.gz';

interface Product {
  readonly id: string;
  readonly base_currency: string;
  readonly quote_currency: string;
  readonly quote_increment: string;
  readonly base_increment: string;
}

export function productsText(): string {
  return gunzipSync(readFileSync(join(import.meta.dirname, '../../../shared/data', products))).toString(
    'utf8',
  );
}

/** All that was listed then, in the listing's order, with ids from 1. */
export function recordedProducts(): Instrument[] {
  return (JSON.parse(productsText()) as Product[]).map((one, i) =>
    listed(
      'COINBASE',
      i + 1,
      one.id,
      one.base_currency,
      one.quote_currency,
      decimalsOfStep(one.quote_increment),
      decimalsOfStep(one.base_increment),
    ),
  );
}

export function sessionOptions(
  lines: readonly { readonly received: number }[],
  instruments: readonly Instrument[],
): NormaliserOptions {
  return {
    instruments,
    tradesOf: () => 'trade',
    plausible: recordedTimes(lines[0]!.received, lines.at(-1)!.received),
    messageBytesMax: 1_048_576,
  };
}

interface Message {
  readonly type: string;
  readonly product_id: string;
  readonly time?: string;
  readonly trade_id: number;
  readonly side: string;
  readonly price: string;
  readonly size: string;
  readonly best_bid_size?: string;
  readonly bids: readonly [string, string][];
  readonly asks: readonly [string, string][];
  readonly changes: readonly [string, string, string][];
}

/** What a sound message must become: records, or the name of the reason for none. By big integers and `Date`. */
export function obviousReading(
  text: string,
  received: number,
  instruments: readonly Instrument[],
): readonly PlainRecord[] | string {
  const message = JSON.parse(text) as Message;
  const { type } = message;
  if (type === 'subscriptions') return 'answer';
  if (type === 'ticker' && message.best_bid_size === undefined) return 'noSizes';
  const one = instruments.find(({ native }) => native === message.product_id)!;
  const price = (decimal: string): number => scaled(decimal, one.priceDecimals);
  const size = (decimal: string): number => scaled(decimal, one.sizeDecimals);
  const time = message.time === undefined ? Math.floor(received / 1_000) * 1_000 : micros(message.time);
  const shared = { instrument: one.id, time, received };
  if (type === 'match' || type === 'last_match') {
    const { trade_id: id, side } = message;
    const words = [price(message.price), size(message.size), id, id];
    return [{ kind: 'trade', ...shared, id, flags: side === 'buy' ? ['takerSold'] : [], words }];
  }
  const book = { kind: 'book', ...shared, id: 0 };
  if (type === 'snapshot') {
    const levels = (rows: readonly [string, string][], sign: number): [number, number][] =>
      rows
        .map(([p, s]): [number, number] => [price(p), size(s)])
        .toSorted(([a], [b]) => (a - b) * sign)
        .slice(0, 1_000);
    const bids = levels(message.bids, -1);
    const asks = levels(message.asks, 1);
    const horizons = [
      message.bids.length > 1_000 ? bids.at(-1)![0] : 0,
      message.asks.length > 1_000 ? asks.at(-1)![0] : Number.POSITIVE_INFINITY,
    ];
    const words = [0, bids.length + asks.length, ...horizons];
    return [{ ...book, flags: ['noVenueTime', 'snapshot', 'noIds'], words, bids, asks }];
  }
  if (type !== 'l2update') throw new Error(`the session has a ${type}`);
  const side = (name: string): [number, number][] =>
    message.changes.filter(([of]) => of === name).map(([, p, s]) => [price(p), size(s)]);
  const bids = side('buy');
  const asks = side('sell');
  return [{ ...book, flags: ['noIds'], words: [0, bids.length + asks.length, 0, 0], bids, asks }];
}

function scaled(decimal: string, decimals: number): number {
  const [whole, fraction = ''] = decimal.split('.') as [string, string?];
  if (/[1-9]/.test(fraction.slice(decimals)))
    throw new Error(`${decimal} has more than ${decimals} decimals`);
  return Number(BigInt(whole + fraction.slice(0, decimals).padEnd(decimals, '0')));
}

/** `Date` knows ms only. */
function micros(text: string): number {
  return Date.parse(`${text.slice(0, 23)}Z`) * 1_000 + Number(text.slice(23, 26));
}
