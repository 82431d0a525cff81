/**
 * Entry of a gateway thread. It must end by itself: a worker that is terminated while it holds uWebSockets handles
 * takes the whole process down, so send `{ kind: 'close' }` and wait for its exit.
 */
import { type MessagePort, parentPort, workerData } from 'node:worker_threads';
import type { CorsRules } from '../gateway/cors.ts';
import { Gateway, type GatewayAccount } from '../gateway/gateway.ts';
import { type GatewayLimits, gatewayLimits } from '../gateway/limits.ts';
import type { Dictionary } from '../market/instrument.ts';
import { SharedLatestPrices } from '../stores/memory-latest.ts';

export interface GatewayThreadData {
  /** Segment rings, one for each shard. */
  readonly rings: readonly SharedArrayBuffer[];
  /** Rung by the shards. */
  readonly bell: Int32Array;
  /** Tables of order books, one a shard. */
  readonly books: readonly SharedArrayBuffer[];
  readonly dictionary: Dictionary;
  /** The highest number that an instrument may get in this run. */
  readonly instrumentsMax?: number;
  /** Table of latest prices: it says by which digits the shards count. */
  readonly latest?: SharedArrayBuffer;
  readonly host: string;
  /** 0: any free one. */
  readonly port: number;
  /** Folder of the built web page. */
  readonly webRoot?: string;
  /** What is not given has its default. */
  readonly limits?: Partial<GatewayLimits>;
  /** To the query thread. */
  readonly query: MessagePort;
  /** To the supervisor; `parentPort` when not given. */
  readonly control?: MessagePort;
  readonly version: string;
  /** Which pages of other hosts may connect, and how. */
  readonly cors: CorsRules;
  /** What never changes and belongs into `/api/v1/health`. */
  readonly facts?: Readonly<Record<string, unknown>>;
}

export type GatewayCommand =
  | { readonly kind: 'accounting' }
  /** Another version of the dictionary; decimals that grow come in the stream. */
  | { readonly kind: 'dictionary'; readonly dictionary: Dictionary }
  | { readonly kind: 'health'; readonly body: Record<string, unknown> }
  | { readonly kind: 'close' };

export type GatewayReport =
  | { readonly kind: 'listening'; readonly port: number }
  | { readonly kind: 'fault'; readonly message: string }
  | { readonly kind: 'first-subscriber' }
  | { readonly kind: 'wish'; readonly instrument: number; readonly wanted: boolean }
  | { readonly kind: 'accounting'; readonly accounting: GatewayAccount }
  /** The last one: the accounting at the end. The thread then exits by itself. */
  | { readonly kind: 'closed'; readonly accounting: GatewayAccount };

const data = workerData as GatewayThreadData;
const control = (data.control ?? parentPort) as MessagePort;
const report = (message: GatewayReport): void => control.postMessage(message);

const latest = data.latest === undefined ? undefined : new SharedLatestPrices(data.latest);
const gateway = new Gateway({
  rings: data.rings,
  bell: data.bell,
  books: data.books,
  dictionary: data.dictionary,
  ...(data.instrumentsMax === undefined ? {} : { instrumentsMax: data.instrumentsMax }),
  ...(latest === undefined ? {} : { scaleOf: (instrument) => latest.read(instrument)?.scale ?? 0 }),
  query: data.query,
  webRoot: data.webRoot,
  limits: { ...gatewayLimits, ...data.limits },
  version: data.version,
  cors: data.cors,
  facts: data.facts ?? {},
  onFirstSubscriber: () => report({ kind: 'first-subscriber' }),
  onWish: (instrument, wanted) => report({ kind: 'wish', instrument, wanted }),
});

function close(): void {
  gateway.close();
  report({ kind: 'closed', accounting: gateway.account() });
  control.close();
}

control.on('message', (command: GatewayCommand) => {
  if (command.kind === 'accounting') report({ kind: 'accounting', accounting: gateway.account() });
  else if (command.kind === 'health') gateway.tellHealth(command.body);
  else if (command.kind === 'dictionary') gateway.adopt(command.dictionary);
  else close();
});

try {
  report({ kind: 'listening', port: await gateway.listen(data.host, data.port) });
} catch (error) {
  report({ kind: 'fault', message: (error as Error).message });
  gateway.close();
  control.close();
}
