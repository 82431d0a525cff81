/** The little that the SDK needs of a WebSocket: the global one of browsers and Node has it, and so has `ws`. */

export interface ClientSocket {
  binaryType: string;
  addEventListener(type: string, listener: (event: SocketEvent) => void): void;
  send(text: string): void;
  close(code?: number, reason?: string): void;
}

/** `data` comes with messages (text or ArrayBuffer), `code` and `reason` with close. */
export interface SocketEvent {
  readonly data?: unknown;
  readonly code?: number;
  readonly reason?: string;
}

export type OpenSocket = (url: string, subprotocol: string) => ClientSocket;

type SocketClass = new (url: string, protocols: string[]) => ClientSocket;

/** The global WebSocket. */
export const openWebSocket: OpenSocket = (url, subprotocol) => {
  const { WebSocket } = globalThis as unknown as { WebSocket?: SocketClass };
  if (WebSocket === undefined) throw new TypeError('this runtime has no WebSocket: pass `openSocket`');
  return new WebSocket(url, [subprotocol]);
};
