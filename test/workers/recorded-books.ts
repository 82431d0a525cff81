/** Book messages of recorded sessions, read the obvious way (JSON.parse), as updates and top-of-book oracles. */
import { readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import type { Level } from '../compute/obvious-book.ts';
import type { BookUpdate } from './book-bench.ts';

export type Recorded =
  | { readonly kind: 'book'; readonly symbol: string; readonly update: BookUpdate }
  /** Best prices as the venue told them; id 0 where it has none. */
  | {
      readonly kind: 'top';
      readonly symbol: string;
      readonly id: number;
      readonly bid: number;
      readonly ask: number;
    };

/** Decimals enough for every size of the recordings, and for every price of Binance's. */
const decimals = 8;

export function mantissa(text: string, digits = decimals): number {
  const [whole = '', rest = ''] = text.split('.');
  return Number(`${whole}${rest.padEnd(digits, '0').slice(0, digits)}`);
}

const levelsOf = (rows: readonly (readonly string[])[], digits = decimals): Level[] =>
  rows.map(([price, size]): Level => [mantissa(price!, digits), mantissa(size!)]);

/** Lines of a recording: receive time in µs, and the message. */
export function linesOf(file: string): { received: number; text: string }[] {
  return gunzipSync(readFileSync(file))
    .toString('utf8')
    .trimEnd()
    .split('\n')
    .map((line) => {
      const tab = line.indexOf('\t');
      return { received: Math.floor(Number(line.slice(0, tab)) / 1_000), text: line.slice(tab + 1) };
    });
}

interface BinanceBody {
  readonly lastUpdateId: number;
  readonly bids: string[][];
  readonly asks: string[][];
}

/** A REST snapshot of `limit` levels: beyond its worst level nothing is known. */
export function binanceSnapshot(body: BinanceBody, instrument: number, time: number): BookUpdate {
  const [bids, asks] = [levelsOf(body.bids), levelsOf(body.asks)];
  return {
    instrument,
    snapshot: true,
    firstId: body.lastUpdateId,
    lastId: body.lastUpdateId,
    time,
    bids,
    asks,
    bidHorizon: bids.at(-1)![0],
    askHorizon: asks.at(-1)![0],
  };
}

export function binance(file: string, instrumentOf: (symbol: string) => number): Recorded[] {
  return linesOf(file).flatMap(({ received, text }): Recorded[] => {
    const message = JSON.parse(text) as {
      stream?: string;
      data?: Record<string, unknown>;
    } & Partial<BinanceBody>;
    if (message.lastUpdateId !== undefined) {
      const update = binanceSnapshot(message as BinanceBody, instrumentOf('BTCUSDT'), received);
      return [{ kind: 'book', symbol: 'BTCUSDT', update }];
    }
    const { stream = '', data = {} } = message;
    const symbol = String(data['s']);
    if (stream.includes('@bookTicker')) {
      const [bid, ask] = [mantissa(String(data['b'])), mantissa(String(data['a']))];
      return [{ kind: 'top', symbol, id: Number(data['u']), bid, ask }];
    }
    if (!stream.includes('@depth')) return [];
    const update: BookUpdate = {
      instrument: instrumentOf(symbol),
      snapshot: false,
      firstId: Number(data['U']),
      lastId: Number(data['u']),
      time: Number(data['E']) * 1_000,
      bids: levelsOf(data['b'] as string[][]),
      asks: levelsOf(data['a'] as string[][]),
    };
    return [{ kind: 'book', symbol, update }];
  });
}

export function coinbase(file: string, instrumentOf: (symbol: string) => number): Recorded[] {
  const messages = linesOf(file).map(({ received, text }) => {
    return { received, message: JSON.parse(text) as Record<string, unknown> };
  });
  // As many decimals as a product's prices have: some asks are far beyond belief, and would pass 2^53 with more.
  const digits = new Map<string, number>();
  for (const { message } of messages) {
    if (message['type'] !== 'snapshot') continue;
    const prices = [...(message['bids'] as string[][]), ...(message['asks'] as string[][])];
    const most = Math.max(...prices.map(([price]) => (price!.split('.')[1] ?? '').length));
    digits.set(String(message['product_id']), most);
  }
  return messages.flatMap(({ received, message }): Recorded[] => {
    const symbol = String(message['product_id']);
    const own = digits.get(symbol)!;
    const {
      time: at,
      best_bid: bid,
      best_ask: ask,
    } = message as Partial<Record<'time' | 'best_bid' | 'best_ask', string>>;
    const time = at === undefined ? received : Date.parse(at) * 1_000;
    const head = () => ({ instrument: instrumentOf(symbol), noIds: true, firstId: 0, lastId: 0, time });
    if (message['type'] === 'snapshot') {
      const bids = levelsOf(message['bids'] as string[][], own);
      const asks = levelsOf(message['asks'] as string[][], own);
      return [{ kind: 'book', symbol, update: { ...head(), snapshot: true, bids, asks } }];
    }
    if (message['type'] === 'l2update') {
      const changes = message['changes'] as [string, string, string][];
      const side = (name: string): Level[] =>
        levelsOf(
          changes.filter(([of]) => of === name).map(([, price, size]) => [price, size]),
          own,
        );
      const update = { ...head(), snapshot: false, bids: side('buy'), asks: side('sell') };
      return [{ kind: 'book', symbol, update }];
    }
    if (message['type'] !== 'ticker' || bid === undefined || ask === undefined) return [];
    return [{ kind: 'top', symbol, id: 0, bid: mantissa(bid, own), ask: mantissa(ask, own) }];
  });
}
