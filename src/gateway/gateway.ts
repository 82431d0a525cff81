/** The gateway: one uWebSockets.js app that puts HTTP, WebSocket and the shards' rings together. */
import type { MessagePort } from 'node:worker_threads';
import type { Dictionary } from '../market/instrument.ts';
import { onRing, ring } from '../wire/doorbell.ts';
import { SegmentReader } from '../wire/segment-ring.ts';
import { problem } from './answer.ts';
import { BookShelf } from './book-shelf.ts';
import { ControlDesk } from './control-desk.ts';
import type { CorsRules } from './cors.ts';
import { FanOut } from './fan-out.ts';
import { Heartbeats } from './heartbeats.ts';
import { HttpDesk } from './http-desk.ts';
import { Interest } from './interest.ts';
import { KnownInstruments } from './known-instruments.ts';
import { type GatewayLimits, hardBytes, socketMessageBytesMax } from './limits.ts';
import { listenAlone } from './listen-alone.ts';
import { readPageFiles } from './page-files.ts';
import { QueryDesk } from './query-desk.ts';
import { closeCode } from './refusal.ts';
import type { SocketData } from './session.ts';
import { Sessions } from './sessions.ts';
import { judgeUpgrade } from './upgrade.ts';
import {
  createApp,
  type HttpRequest,
  type HttpResponse,
  noCompression,
  type UwsApp,
  type us_socket_context_t,
} from './uws.ts';

const socketPath = '/api/v1/ws';

export interface GatewayParts {
  readonly rings: readonly SharedArrayBuffer[];
  readonly bell: Int32Array;
  /** Tables of order books (market/book.ts), one a shard. */
  readonly books: readonly SharedArrayBuffer[];
  readonly dictionary: Dictionary;
  /** The highest number that an instrument may get in this run; that of the dictionary when not given. */
  readonly instrumentsMax?: number;
  /** By how many digits the instrument's shard counts more than when the run began (`scale` of market/latest.ts). */
  readonly scaleOf?: (instrument: number) => number;
  readonly query: MessagePort;
  readonly webRoot: string | undefined;
  readonly limits: GatewayLimits;
  readonly version: string;
  readonly cors: CorsRules;
  /** What never changes and belongs into `/api/v1/health`. */
  readonly facts: Readonly<Record<string, unknown>>;
  readonly onFirstSubscriber: () => void;
  /** The first client wants the instrument, or the last has let it go. */
  readonly onWish: (instrument: number, wanted: boolean) => void;
}

export type GatewayAccount = ReturnType<Gateway['account']>;

export class Gateway {
  readonly #parts: GatewayParts;
  readonly #known: KnownInstruments;
  readonly #fanOut: FanOut;
  readonly #sessions: Sessions;
  readonly #heartbeats: Heartbeats;
  readonly #control: ControlDesk;
  readonly #queries: QueryDesk;
  readonly #http: HttpDesk;
  readonly #app: UwsApp;
  readonly #leave = new WeakMap<SocketData, () => void>();
  readonly #upgradesRefused: Record<string, number> = {};
  readonly #startedAt = performance.now();
  #stopRing: (() => void) | undefined;
  #health: Record<string, unknown> = {};

  constructor(parts: GatewayParts) {
    this.#parts = parts;
    const { dictionary, limits } = parts;
    const known = new KnownInstruments(dictionary, parts.instrumentsMax);
    this.#known = known;
    const rings = parts.rings.map((memory) => new SegmentReader(memory));
    const interest = new Interest(known.capacity, parts.onWish);
    const { scaleOf } = parts;
    const books = new BookShelf(parts.books, (id) => (scaleOf?.(id) ?? 0) === known.scaleOf(id));
    this.#fanOut = new FanOut(rings, known, limits, interest, books, (outbox) =>
      this.#sessions.of(outbox)?.close(outbox.doomed),
    );
    this.#sessions = new Sessions(this.#fanOut, limits);
    this.#heartbeats = new Heartbeats(this.#fanOut, limits.heartbeatMs, wall);
    this.#queries = new QueryDesk(parts.query, limits.queriesInFlight, limits.queryTimeoutMs);
    const { version, onFirstSubscriber } = parts;
    const fanOut = this.#fanOut;
    this.#control = new ControlDesk({
      fanOut,
      known,
      limits,
      version,
      wall,
      onFirstSubscriber,
    });
    this.#fanOut.onRescaled = (instrument) => this.#control.announce(this.#sessions.all(), [instrument]);
    const routeParts = { known, interest, queries: this.#queries, health: () => this.#healthNow() };
    this.#http = new HttpDesk(routeParts, readPageFiles(parts.webRoot), parts.cors, limits.answerMs);
    this.#app = createApp();
    this.#serveSockets();
    this.#app.any('/*', (response, request) => this.#http.receive(response, request));
  }

  /** Resolves with the port (the one that the system chose, for 0). Rejects when it is taken. */
  async listen(host: string, port: number): Promise<number> {
    const chosen = await listenAlone(this.#app, host, port);
    this.#stopRing = onRing(this.#parts.bell, () => this.#wake());
    return chosen;
  }

  /** Another version of the dictionary; decimals that grow are not taken from it, but from the stream. */
  adopt(dictionary: Dictionary): void {
    const changed = this.#known.adopt(dictionary);
    this.#control.announce(this.#sessions.all(), changed);
    this.#fanOut.endTurn();
  }

  /** What the supervisor tells of the other parts, for `/api/v1/health`. */
  tellHealth(body: Record<string, unknown>): void {
    this.#health = body;
  }

  /** Numbers of every stage; each equation is stated where its counters are. */
  account() {
    const { received, traffic, delivery, v1Delivery, memoryBytes } = this.#fanOut;
    return {
      received: { ...received },
      delivery: delivery.account(this.#sessions.waiting('v2')),
      v1Records: v1Delivery.account(this.#sessions.waiting('v1')).log,
      traffic: { v1: { ...traffic.v1 }, v2: { ...traffic.v2 } },
      connections: { ...this.#sessions.account(), refused: { ...this.#upgradesRefused } },
      control: this.#control.account(),
      queries: this.#queries.account(),
      http: this.#http.account(),
      arenaBytes: memoryBytes,
    };
  }

  /** Tells every client, and lets go of everything that keeps the thread alive. */
  close(): void {
    this.#stopRing?.();
    this.#heartbeats.close();
    this.#fanOut.close();
    for (const session of this.#sessions.all()) session.close(closeCode.goingAway);
    this.#queries.close();
    this.#app.close();
  }

  #wake(): void {
    // Segments are left when a turn had its fill: our own bell brings us back after the sockets had their say.
    if (this.#fanOut.drain()) ring(this.#parts.bell);
  }

  #healthNow(): object {
    const uptimeS = Math.floor((performance.now() - this.#startedAt) / 1_000);
    const { version, facts } = this.#parts;
    return { status: 'ok', version, uptimeS, ...facts, ...this.#health, gateway: this.account() };
  }

  #serveSockets(): void {
    const { limits } = this.#parts;
    this.#app.ws<SocketData>(socketPath, {
      compression: noCompression,
      maxPayloadLength: socketMessageBytesMax(limits),
      // Above everything we let wait ourselves: so it is never uWebSockets that drops.
      maxBackpressure: hardBytes(limits) * 2 + 262_144,
      idleTimeout: limits.idleTimeoutS,
      sendPingsAutomatically: true,
      upgrade: (response, request, context) => this.#upgrade(response, request, context),
      open: (socket) => {
        const data = socket.getUserData();
        const session = this.#sessions.enter(socket, data.protocol, wall() / 1_000);
        data.session = session;
        if (session.outbox.protocol === 'v2')
          this.#leave.set(data, this.#heartbeats.enter(session.outbox.v2));
        this.#control.welcome(session);
      },
      message: (socket, message, isBinary) =>
        this.#control.receive(socket.getUserData().session!, message, isBinary),
      ping: (socket) => this.#control.pinged(socket.getUserData().session!),
      drain: (socket) => {
        const { outbox } = socket.getUserData().session!;
        if (outbox.protocol === 'v1') outbox.v1.drained();
        else outbox.v2.drained();
        this.#fanOut.endTurn();
      },
      close: (socket, code) => {
        const data = socket.getUserData();
        this.#leave.get(data)?.();
        this.#sessions.leave(data.session!, code);
      },
    });
    this.#app.get(socketPath, (response, request) => {
      const asked = { method: request.getMethod().toUpperCase(), corsOrigin: undefined };
      const error = 'this address speaks WebSocket: connect with ws:// and an Upgrade header';
      this.#http.write(response, problem(426, error, {}, { upgrade: 'websocket' }), asked);
    });
  }

  #upgrade(response: HttpResponse, request: HttpRequest, context: us_socket_context_t): void {
    const verdict = judgeUpgrade(
      {
        subprotocols: request.getHeader('sec-websocket-protocol'),
        query: request.getQuery(),
        origin: request.getHeader('origin'),
        host: request.getHeader('host'),
      },
      this.#parts.cors.origins,
    );
    const { connections } = this.#parts.limits;
    const refused =
      'status' in verdict
        ? verdict
        : this.#sessions.count >= connections
          ? problem(503, `${connections} connections already`, {}, { 'retry-after': '5' })
          : undefined;
    if (refused !== undefined) {
      this.#upgradesRefused[refused.status] = (this.#upgradesRefused[refused.status] ?? 0) + 1;
      return this.#http.write(response, refused, { method: 'GET', corsOrigin: undefined });
    }
    const { protocol, subprotocol } = verdict as Exclude<typeof verdict, { status: number }>;
    const key = request.getHeader('sec-websocket-key');
    const extensions = request.getHeader('sec-websocket-extensions');
    response.upgrade<SocketData>({ protocol }, key, subprotocol, extensions, context);
  }
}

/** Wall clock, µs. */
function wall(): number {
  return Date.now() * 1_000;
}
