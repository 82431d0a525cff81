/**
 * Entry of a gateway thread. It must end by itself: a worker that is terminated while it holds uWebSockets handles
 * takes the whole process down, so send `{ kind: 'close' }` and wait for its exit.
 */
import { type MessagePort, parentPort, workerData } from 'node:worker_threads';
import type { CorsRules } from '../gateway/cors.ts';
import { Gateway, type GatewayAccount } from '../gateway/gateway.ts';
import { type GatewayLimits, gatewayLimits } from '../gateway/limits.ts';
import type { Dictionary } from '../market/instrument.ts';

export interface GatewayThreadData {
  /** Segment rings, one for each shard. */
  readonly rings: readonly SharedArrayBuffer[];
  /** Rung by the shards. */
  readonly bell: Int32Array;
  readonly dictionary: Dictionary;
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
  | { readonly kind: 'health'; readonly body: Record<string, unknown> }
  | { readonly kind: 'close' };

export type GatewayReport =
  | { readonly kind: 'listening'; readonly port: number }
  | { readonly kind: 'fault'; readonly message: string }
  | { readonly kind: 'first-subscriber' }
  | { readonly kind: 'accounting'; readonly accounting: GatewayAccount }
  /** The last one: the accounting at the end. The thread then exits by itself. */
  | { readonly kind: 'closed'; readonly accounting: GatewayAccount };

const data = workerData as GatewayThreadData;
const control = (data.control ?? parentPort) as MessagePort;
const report = (message: GatewayReport): void => control.postMessage(message);

const gateway = new Gateway({
  rings: data.rings,
  bell: data.bell,
  dictionary: data.dictionary,
  query: data.query,
  webRoot: data.webRoot,
  limits: { ...gatewayLimits, ...data.limits },
  version: data.version,
  cors: data.cors,
  facts: data.facts ?? {},
  onFirstSubscriber: () => report({ kind: 'first-subscriber' }),
});

function close(): void {
  gateway.close();
  report({ kind: 'closed', accounting: gateway.account() });
  control.close();
}

control.on('message', (command: GatewayCommand) => {
  if (command.kind === 'accounting') report({ kind: 'accounting', accounting: gateway.account() });
  else if (command.kind === 'health') gateway.tellHealth(command.body);
  else close();
});

try {
  report({ kind: 'listening', port: await gateway.listen(data.host, data.port) });
} catch (error) {
  report({ kind: 'fault', message: (error as Error).message });
  gateway.close();
  control.close();
}
