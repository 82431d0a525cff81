/**
 * The thread that reads the stores, so that a gateway never opens a database. Over each port:
 * `QueryRequest` in, `QueryReply` out, with the body as finished bytes (transferred).
 * The parent posts `{ port }` to add a port, `{ dictionary }` when it has changed, `{ stop: true }` to end; `{ ready: true }` comes when the file is open.
 */
import { type MessagePort, parentPort, workerData } from 'node:worker_threads';
import type { Instrument } from '../market/instrument.ts';
import { type Answer, MarketQueries } from '../stores/market-queries.ts';
import { SharedBooks } from '../stores/memory-books.ts';
import { SharedLatestPrices } from '../stores/memory-latest.ts';
import { SqliteHistoryReader } from '../stores/sqlite-history-reader.ts';
import { openMarketReader } from '../stores/sqlite-schema.ts';

export interface QueryData {
  readonly file: string;
  readonly dictionary: readonly Instrument[];
  /** From `latestPricesMemory`. */
  readonly latest: SharedArrayBuffer;
  /** Tables of order books, one a shard. */
  readonly books: readonly SharedArrayBuffer[];
  /** One a gateway; to be in the transfer list. More can be posted later. */
  readonly ports?: readonly MessagePort[];
}

export interface QueryRequest {
  /** Chosen by the asker, given back in the reply. */
  readonly id: number;
  readonly kind: 'symbols' | 'price' | 'bars' | 'trades' | 'enigma' | 'book';
  /** For all but `symbols`: `symbol` (canonical) and `instrument` (its id), then the request's own, as they came. */
  readonly params?: Readonly<Record<string, unknown>>;
}

/** Another version of the dictionary, with decimals as they are told now. */
export interface QueryCommand {
  readonly port?: MessagePort;
  readonly dictionary?: readonly Instrument[];
  readonly stop?: boolean;
}

export interface QueryReply extends Answer {
  readonly id: number;
}

const data = workerData as QueryData;
const reader = new SqliteHistoryReader(openMarketReader(data.file), data.dictionary);
const queries = new MarketQueries(
  data.dictionary,
  reader,
  new SharedLatestPrices(data.latest),
  new SharedBooks(data.books),
);
const ports = new Set<MessagePort>();

for (const port of data.ports ?? []) serve(port);
parentPort!.on('message', (message: QueryCommand) => {
  if (message.port !== undefined) serve(message.port);
  if (message.dictionary !== undefined) adopt(message.dictionary);
  if (message.stop === true) void end();
});
parentPort!.postMessage({ ready: true }, []);

function adopt(dictionary: readonly Instrument[]): void {
  reader.adopt(dictionary);
  queries.adopt(dictionary);
}

function serve(port: MessagePort): void {
  ports.add(port);
  port.on('message', (request: QueryRequest) => void reply(port, request));
  port.on('close', () => ports.delete(port));
}

async function reply(port: MessagePort, { id, kind, params }: QueryRequest): Promise<void> {
  const answer = await queries.answer(kind, params);
  port.postMessage({ id, ...answer } satisfies QueryReply, [answer.body.buffer]);
}

async function end(): Promise<void> {
  for (const port of ports) port.close();
  parentPort!.close();
  await reader.close();
}
