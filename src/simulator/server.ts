/** The venue's front door: one port for WebSocket and REST. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { performance } from 'node:perf_hooks';
import type { Duplex } from 'node:stream';
import { type WebSocket, WebSocketServer } from 'ws';
import type { Switchboard } from './channel.ts';
import { answerControl } from './control.ts';
import { Session, streamsMax } from './session.ts';
import { SimulatorFault } from './simulator-fault.ts';
import type { Tally } from './tally.ts';

const incomingPerSecond = 5;
const controlBytesMax = 64 * 1024;
const headerBytesMax = 128 * 1024; // room for the names of 1,024 streams in the address

export interface ServerParts {
  readonly host: string;
  readonly port: number;
  readonly switchboard: Switchboard;
  readonly tally: Tally;
  readonly pingIntervalMs: number;
  readonly pongTimeoutMs: number;
  readonly lifetimeMs: number;
  readonly answer: (request: IncomingMessage, response: ServerResponse) => void;
  /** Told of every new connection before it gets its first message. */
  readonly greet: (session: Session) => void;
}

export class VenueServer {
  readonly #parts: ServerParts;
  readonly #http: Server;
  readonly #webSockets = new WebSocketServer({
    noServer: true,
    perMessageDeflate: false,
    autoPong: false, // a silent connection does not even answer pings
    maxPayload: controlBytesMax,
  });

  constructor(parts: ServerParts) {
    this.#parts = parts;
    this.#http = createServer({ maxHeaderSize: headerBytesMax }, (request, response) =>
      parts.answer(request, response),
    );
    this.#http.on('upgrade', (request, socket, head) => this.#upgrade(request, socket, head));
  }

  listen(): Promise<number> {
    const { host, port } = this.#parts;
    return new Promise((resolve, reject) => {
      this.#http.once('error', (error: NodeJS.ErrnoException) => {
        reject(new SimulatorFault(listenFault(error, host, port), { cause: error }));
      });
      this.#http.listen({ host, port, exclusive: true }, () => {
        resolve((this.#http.address() as AddressInfo).port);
      });
    });
  }

  async close(): Promise<void> {
    for (const session of this.#parts.switchboard.sessions) session.close(1001, 'the simulator stops');
    const stopped = new Promise((resolve) => this.#http.close(resolve));
    await Promise.race([stopped, new Promise((resolve) => setTimeout(resolve, 200))]);
    for (const webSocket of this.#webSockets.clients) webSocket.terminate();
    this.#http.closeAllConnections();
    await stopped;
  }

  #upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    socket.on('error', () => socket.destroy());
    const wish = readWish(request.url ?? '/');
    if (typeof wish === 'string') {
      socket.end(`HTTP/1.1 ${wish}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`);
      return;
    }
    this.#webSockets.handleUpgrade(request, socket, head, (webSocket) => this.#open(webSocket, socket, wish));
  }

  #open(webSocket: WebSocket, socket: Duplex, wish: Wish): void {
    const { switchboard, tally, greet, lifetimeMs } = this.#parts;
    const { combined, micro } = wish;
    const session = new Session({ webSocket, socket, switchboard, tally, combined, micro });
    greet(session);
    for (const name of wish.streams) session.subscribe(name);
    const stopPings = this.#ping(webSocket, session);
    const life = setTimeout(() => session.close(1001, 'lifetime over'), lifetimeMs);
    const allowed = new Allowance();
    const received = (): boolean => {
      if (allowed.take()) return true;
      session.close(1008, 'Too many requests');
      return false;
    };
    webSocket.on('message', (data: Buffer, isBinary) => {
      if (!received()) return;
      const answer = answerControl(session, isBinary ? '\u0000' : data.toString());
      if (session.silent) return;
      session.sendText(answer);
      session.flush();
    });
    webSocket.on('ping', (payload: Buffer) => {
      if (received() && !session.silent) webSocket.pong(payload);
    });
    webSocket.on('pong', received);
    webSocket.on('error', () => session.cut('error'));
    webSocket.on('close', () => {
      clearTimeout(life);
      stopPings();
      session.ended();
    });
  }

  /** Pings with the time as payload, and cuts who does not send it back. */
  #ping(webSocket: WebSocket, session: Session): () => void {
    const open = new Map<string, number>();
    const { pingIntervalMs, pongTimeoutMs } = this.#parts;
    webSocket.on('pong', (payload: Buffer) => {
      if (open.has(payload.toString())) open.clear(); // an answer to any ping is a sign of life; others are not
    });
    const pings = setInterval(() => {
      if (session.silent) return;
      const payload = String(Date.now());
      open.set(payload, performance.now());
      session.ping(payload);
    }, pingIntervalMs);
    const checks = setInterval(
      () => {
        const oldest = open.values().next().value;
        if (oldest !== undefined && performance.now() - oldest > pongTimeoutMs)
          session.close(1008, 'Pong timeout');
      },
      Math.min(1_000, Math.max(10, pongTimeoutMs / 4)),
    );
    return () => {
      clearInterval(pings);
      clearInterval(checks);
    };
  }
}

/** What a connection may send: so many messages in any one second, pings and pongs among them. */
class Allowance {
  readonly #recent: number[] = [];

  take(): boolean {
    const now = performance.now();
    while (this.#recent.length > 0 && now - this.#recent[0]! >= 1_000) this.#recent.shift();
    this.#recent.push(now);
    return this.#recent.length <= incomingPerSecond;
  }
}

interface Wish {
  readonly combined: boolean;
  readonly micro: boolean;
  readonly streams: readonly string[];
}

/** Reads /stream?streams=a/b and /ws/a/b; answers an HTTP status where it makes no sense. */
function readWish(url: string): Wish | string {
  const address = URL.parse(url, 'http://simulator');
  if (address === null) return '400 Bad Request';
  const { pathname, searchParams } = address;
  const unit = searchParams.get('timeUnit')?.toUpperCase() ?? 'MILLISECOND';
  if (unit !== 'MILLISECOND' && unit !== 'MICROSECOND') return '400 Bad Request';
  const combined = pathname === '/stream' || pathname === '/stream/';
  if (!combined && pathname !== '/ws' && !pathname.startsWith('/ws/')) return '404 Not Found';
  const list = combined
    ? (searchParams.get('streams') ?? '')
    : pathname.slice('/ws'.length).replaceAll('%40', '@');
  const streams = list.split('/').filter((name) => name !== '');
  if (streams.length > streamsMax) return '400 Bad Request';
  return { combined, micro: unit === 'MICROSECOND', streams };
}

function listenFault(error: NodeJS.ErrnoException, host: string, port: number): string {
  if (error.code === 'EADDRINUSE') {
    return `Port ${port} on ${host} is taken by another program; choose another port, or 0 for any free one.`;
  }
  return `The simulator cannot listen on ${host}:${port} (${error.code}); choose another host or port.`;
}
