/** Binance spot. Limits from its web socket documents of 2026-07: 1,024 streams a connection, 5 messages a second. */
import type { Instrument } from '../../market/instrument.ts';
import type { TradesKind } from '../normaliser.ts';
import type { Answer, StreamGroup, Venue } from '../venue.ts';
import { answerSchema, type Request } from './messages.ts';
import { binanceNormaliser } from './normalise.ts';
import { BinanceRest } from './rest.ts';

export const binance: Venue = {
  name: 'BINANCE',
  wsUrl: 'wss://stream.binance.com:9443',
  restUrl: 'https://api.binance.com',
  streamsPerConnectionMax: 1_024,
  socketUrl: (wsUrl) => `${wsUrl.replace(/\/+$/, '')}/stream`,
  groups,
  subscribe: (params, id) => JSON.stringify({ method: 'SUBSCRIBE', params, id } satisfies Request),
  answerOf,
  normaliser: binanceNormaliser,
  rest: (options) => new BinanceRest(options),
};

/** Trades, aggregates and quotes each on sockets of their own, as document 002 has it. */
function groups(
  instruments: readonly Instrument[],
  tradesOf: (instrument: Instrument) => TradesKind,
): StreamGroup[] {
  return [
    streams(
      'trade',
      instruments.filter((one) => tradesOf(one) === 'trade'),
    ),
    streams(
      'aggTrade',
      instruments.filter((one) => tradesOf(one) === 'aggTrade'),
    ),
    streams('bookTicker', instruments),
  ].filter((group) => group.streams.length > 0);
}

function streams(kind: string, chosen: readonly Instrument[]): StreamGroup {
  return { name: kind, streams: chosen.map((one) => `${one.native.toLowerCase()}@${kind}`) };
}

function answerOf(bytes: Uint8Array): Answer | undefined {
  const parsed = answerSchema.safeParse(JSON.parse(new TextDecoder().decode(bytes)));
  if (!parsed.success || typeof parsed.data.id !== 'number') return undefined;
  const { id, code, msg, error } = parsed.data;
  if (error !== undefined) return { id, error: `${error.code}: ${error.msg}` };
  return code === undefined ? { id } : { id, error: `${code}: ${msg ?? ''}` };
}
