/** Every bound of the gateway. */

export interface GatewayLimits {
  /** WebSocket connections at a time; more are answered 503. */
  readonly connections: number;
  /** A longer message from a client is closed with 1009. */
  readonly messageBytesMax: number;
  /** Messages a second that a client may send, in bursts of twice as many; ten times as many close it with 4029. */
  readonly messagesPerSecond: number;
  readonly symbolsPerRequest: number;
  /** Streams (symbol × channel) of one connection. */
  readonly subscriptionsPerConnection: number;
  /** A client with more than this waiting in its socket is slow: its state streams are conflated. */
  readonly softBytes: number;
  /** What is kept of log streams for a slow client, before it is closed with 4008. */
  readonly outboxBytes: number;
  /** Seconds of silence after which a connection is closed; pings keep a living one open. */
  readonly idleTimeoutS: number;
  /** Between heartbeats to a v2 client. */
  readonly heartbeatMs: number;
  /** HTTP questions to the query thread at a time; more are answered 503. */
  readonly queriesInFlight: number;
  readonly queryTimeoutMs: number;
  /** An HTTP answer that its client has not taken by then is cut. */
  readonly answerMs: number;
  /** A v1 frame goes out with so many records, or so long after its first one. */
  readonly v1: { readonly records: number; readonly windowMs: number };
}

export const gatewayLimits: GatewayLimits = {
  connections: 20_000,
  messageBytesMax: 16_384,
  messagesPerSecond: 50,
  symbolsPerRequest: 1_000,
  subscriptionsPerConnection: 10_000,
  softBytes: 65_536,
  outboxBytes: 1_048_576,
  idleTimeoutS: 32,
  heartbeatMs: 5_000,
  queriesInFlight: 1_000,
  queryTimeoutMs: 5_000,
  answerMs: 15_000,
  v1: { records: 50, windowMs: 50 },
};

/**
 * uWebSockets cuts the TCP connection at its own limit, without a close frame; so that limit lies higher than ours,
 * which closes with 1009. A whole symbol list sent by mistake then gets its proper answer.
 */
export function socketMessageBytesMax(limits: GatewayLimits): number {
  return Math.min(limits.messageBytesMax * 16, 2 ** 24);
}

/** Bytes waiting in a socket at which even answers and pongs are too much: the client is closed. */
export function hardBytes(limits: GatewayLimits): number {
  return limits.softBytes + limits.outboxBytes;
}
