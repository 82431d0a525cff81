/** A venue's front door: one port for WebSocket and REST. */
import {
  createServer,
  type IncomingMessage,
  type Server,
  type ServerResponse,
  STATUS_CODES,
} from 'node:http';
import type { AddressInfo } from 'node:net';
import { performance } from 'node:perf_hooks';
import type { Duplex } from 'node:stream';
import { type WebSocket, WebSocketServer } from 'ws';
import { ConnectBudget } from './connect-budget.ts';
import type { Floor, Wish } from './dialect.ts';
import { withFaults } from './rest-faults.ts';
import { Session } from './session.ts';
import { SimulatorFault } from './simulator-fault.ts';

const headerBytesMax = 128 * 1024; // room for the names of 1,024 streams in the address

export interface ServerParts {
  readonly host: string;
  readonly port: number;
  readonly floor: Floor;
  readonly answer: (request: IncomingMessage, response: ServerResponse) => void;
  /** Told of every new connection before it gets its first message. */
  readonly greet: (session: Session) => void;
}

export class VenueServer {
  readonly #parts: ServerParts;
  readonly #http: Server;
  readonly #webSockets: WebSocketServer;
  readonly #connects: ConnectBudget;

  constructor(parts: ServerParts) {
    this.#parts = parts;
    const { limits } = parts.floor;
    this.#connects = new ConnectBudget(limits.connects, limits.banMs);
    this.#webSockets = new WebSocketServer({
      noServer: true,
      perMessageDeflate: false,
      autoPong: false, // a silent connection does not even answer pings
      maxPayload: limits.controlBytesMax,
    });
    this.#http = createServer({ maxHeaderSize: headerBytesMax }, withFaults(parts.answer, parts.floor));
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
    for (const session of this.#parts.floor.switchboard.sessions) session.close(1001, 'the simulator stops');
    const stopped = new Promise((resolve) => this.#http.close(resolve));
    await Promise.race([stopped, new Promise((resolve) => setTimeout(resolve, 200))]);
    for (const webSocket of this.#webSockets.clients) webSocket.terminate();
    this.#http.closeAllConnections();
    await stopped;
  }

  #upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    socket.on('error', () => socket.destroy());
    const refusal = this.#refusal(request);
    const wish = refusal ?? this.#parts.floor.dialect.wish(request.url ?? '/');
    if (typeof wish === 'string') {
      socket.end(`HTTP/1.1 ${wish}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`);
      return;
    }
    this.#webSockets.handleUpgrade(request, socket, head, (webSocket) => this.#open(webSocket, socket, wish));
  }

  /** Status and headers with which an attempt is refused, if it is. */
  #refusal(request: IncomingMessage): string | undefined {
    const { faults, tally } = this.#parts.floor;
    const fault = faults.nextConnect();
    const banMs = this.#connects.take(request.socket.remoteAddress ?? '', performance.now());
    if (fault === undefined && banMs === 0) return undefined;
    tally.connectsRefused++;
    const status = fault?.status ?? this.#parts.floor.limits.connects.status ?? 418;
    const after = fault === undefined ? Math.ceil(banMs / 1_000) : fault.retryAfterSeconds;
    return `${status} ${STATUS_CODES[status]}${after === undefined ? '' : `\r\nRetry-After: ${after}`}`;
  }

  #open(webSocket: WebSocket, socket: Duplex, wish: Wish): void {
    const { floor, greet } = this.#parts;
    const { dialect, limits } = floor;
    const session = new Session({ webSocket, socket, floor, wish });
    greet(session);
    for (const name of wish.streams) session.subscribe(name);
    say(session, dialect.greeting?.(session));
    const stopTimers = this.#watch(webSocket, session);
    const allowed = new Allowance(limits.incomingPerSecond);
    const received = (): boolean => {
      if (allowed.take()) return true;
      session.close(1008, 'Too many requests');
      return false;
    };
    webSocket.on('message', (data: Buffer, isBinary) => {
      if (!received()) return;
      const answer = dialect.control(session, isBinary ? '\u0000' : data.toString());
      if (!session.silent) say(session, answer);
    });
    webSocket.on('ping', (payload: Buffer) => {
      if (received() && !session.silent) webSocket.pong(payload);
    });
    webSocket.on('pong', received);
    webSocket.on('error', () => session.cut('error'));
    webSocket.on('close', () => {
      stopTimers();
      session.ended();
    });
  }

  /** Pings, the age at which a connection is cut, and the time by which it must have subscribed. */
  #watch(webSocket: WebSocket, session: Session): () => void {
    const { lifetimeMs, pingIntervalMs, subscribeWithinMs } = this.#parts.floor.limits;
    const stopPings = pingIntervalMs > 0 ? this.#ping(webSocket, session) : undefined;
    const life =
      lifetimeMs > 0 ? setTimeout(() => session.close(1001, 'lifetime over'), lifetimeMs) : undefined;
    const idle = (): void => {
      if (session.streams.size === 0) session.close(1008, 'no subscription');
    };
    const subscribed = subscribeWithinMs > 0 ? setTimeout(idle, subscribeWithinMs) : undefined;
    return () => {
      stopPings?.();
      clearTimeout(life);
      clearTimeout(subscribed);
    };
  }

  /** Pings with the time as payload, and cuts who does not send it back. */
  #ping(webSocket: WebSocket, session: Session): () => void {
    const open = new Map<string, number>();
    const { pingIntervalMs, pongTimeoutMs } = this.#parts.floor.limits;
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
  readonly #most: number;
  readonly #recent: number[] = [];

  constructor(most: number) {
    this.#most = most;
  }

  take(): boolean {
    if (this.#most === 0) return true;
    const now = performance.now();
    while (this.#recent.length > 0 && now - this.#recent[0]! >= 1_000) this.#recent.shift();
    this.#recent.push(now);
    return this.#recent.length <= this.#most;
  }
}

function say(session: Session, text: string | undefined): void {
  if (text === undefined) return;
  session.sendText(text);
  session.flush();
}

function listenFault(error: NodeJS.ErrnoException, host: string, port: number): string {
  if (error.code === 'EADDRINUSE') {
    return `Port ${port} on ${host} is taken by another program; choose another port, or 0 for any free one.`;
  }
  return `The simulator cannot listen on ${host}:${port} (${error.code}); choose another host or port.`;
}
