/** The text messages of the control channel (`proto/control.md`), as the server sends them. */

export interface Welcome {
  readonly type: 'welcome';
  readonly protocol: string;
  readonly server: string;
  readonly version: string;
  /** The server's wall clock, µs since 1970. */
  readonly time: number;
}

/** What became of a subscribe or unsubscribe: canonical symbols, and the channels meant. */
export interface Acknowledgement {
  readonly type: 'subscribed' | 'unsubscribed';
  readonly id?: RequestId;
  readonly symbols: readonly string[];
  readonly channels: readonly string[];
}

export interface Pong {
  readonly type: 'pong';
  readonly id?: RequestId;
  readonly time: number;
}

export interface Refused {
  readonly type: 'error';
  readonly id?: RequestId;
  readonly code: number;
  readonly error: string;
  readonly didYouMean?: readonly string[];
}

/** The dictionary of v1 clients. */
export interface SymbolsMessage {
  readonly type: 'symbols';
  readonly epoch: number;
  readonly version: number;
  readonly symbols: readonly SymbolOfV1[];
}

export interface SymbolOfV1 {
  readonly id: number;
  readonly symbol: string;
  readonly priceDecimals: number;
  readonly sizeDecimals: number;
}

export type RequestId = string | number;
export type ServerMessage = Welcome | Acknowledgement | Pong | Refused | SymbolsMessage;

const types = new Set(['welcome', 'subscribed', 'unsubscribed', 'pong', 'error', 'symbols']);

/** Undefined for messages of a type unknown to this client: a newer server may send them. */
export function parseServerMessage(text: string): ServerMessage | undefined {
  try {
    const message = JSON.parse(text) as { type?: unknown } | null;
    return types.has(message?.type as string) ? (message as ServerMessage) : undefined;
  } catch {
    return undefined;
  }
}

/** A request that did not succeed. */
export class RequestFault extends Error {
  override readonly name = 'RequestFault';
  /** The server's number of the refusal; 0 when there was no answer. */
  readonly code: number;
  /** What the server thinks was meant. */
  readonly didYouMean: readonly string[];

  constructor(message: string, code = 0, didYouMean: readonly string[] = []) {
    super(message);
    this.code = code;
    this.didYouMean = didYouMean;
  }
}
