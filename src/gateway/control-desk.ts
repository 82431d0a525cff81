/** Answers what clients ask over their sockets: exactly one text answer a request (`proto/control.md`). */
import type { Instrument } from '../market/instrument.ts';
import { timeBaseOf } from '../wire/block.ts';
import { channel, channelNames } from '../wire/block-message.ts';
import { dictionaryBlocks } from '../wire/encode-connection.ts';
import {
  type ControlRequest,
  parseControl,
  quoted,
  type RefusedRequest,
  type RequestId,
  refused,
} from './control-message.ts';
import { type FanOut, streamOf } from './fan-out.ts';
import type { KnownInstruments } from './known-instruments.ts';
import type { GatewayLimits } from './limits.ts';
import { closeCode, refusal } from './refusal.ts';
import type { Session } from './session.ts';
import { channelsOf, outboxOf, subscribe, unsubscribe } from './sessions.ts';

export interface ControlDeskParts {
  readonly fanOut: FanOut;
  readonly known: KnownInstruments;
  readonly limits: GatewayLimits;
  readonly version: string;
  /** Wall clock, µs. */
  readonly wall: () => number;
  /** Called once, when somebody subscribes to anything. */
  readonly onFirstSubscriber: () => void;
}

type SubscribeRequest = Exclude<ControlRequest, { type: 'ping' }>;

/** What a request without `channels` means. */
const defaultChannels = [channel.trades, channel.quotes];
const v1Channels = [channel.trades];
/** v1 has 16 bits for a symbol's number. */
const v1InstrumentMax = 65_535;

export class ControlDesk {
  readonly #parts: ControlDeskParts;
  #subscribed = false;
  #requests = 0;
  #answered = 0;
  readonly #refused: Record<string, number> = {};

  constructor(parts: ControlDeskParts) {
    this.#parts = parts;
  }

  welcome(session: Session): void {
    const { version, wall } = this.#parts;
    session.text({
      type: 'welcome',
      protocol: session.outbox.protocol,
      server: 'tickwire',
      version,
      time: wall(),
    });
  }

  /** One message of a client's. */
  receive(session: Session, message: ArrayBuffer, isBinary: boolean): void {
    const { limits, wall } = this.#parts;
    if (message.byteLength > limits.messageBytesMax) return session.close(closeCode.tooBig);
    const verdict = session.judge(wall() / 1_000);
    if (verdict === 'abuse') return session.close(closeCode.tooManyMessages);
    this.#requests++;
    if (isBinary) {
      const error = 'clients send text; binary messages are not expected';
      return this.#refuse(session, refused(undefined, refusal.binaryNotExpected, error));
    }
    const request = parseControl(Buffer.from(message).toString(), limits.symbolsPerRequest);
    if (verdict === 'too many') {
      const error = `rate limited: at most ${limits.messagesPerSecond} messages a second`;
      return this.#refuse(session, refused(request.id, refusal.rateLimited, error));
    }
    this.#answer(session, request);
  }

  /** A ping frame of the WebSocket protocol: uWebSockets answers it, we count it. */
  pinged(session: Session): void {
    if (session.judge(this.#parts.wall() / 1_000) === 'abuse') session.close(closeCode.tooManyMessages);
    else session.checkBuffer();
  }

  account(): { requests: number; answered: number; refused: Record<string, number> } {
    return { requests: this.#requests, answered: this.#answered, refused: { ...this.#refused } };
  }

  #answer(session: Session, request: ControlRequest | RefusedRequest): void {
    switch (request.type) {
      case 'refused':
        return this.#refuse(session, request);
      case 'ping':
        return this.#reply(session, { type: 'pong', ...echo(request.id), time: this.#parts.wall() });
      case 'subscribe':
        return this.#subscribe(session, request);
      case 'unsubscribe':
        return this.#unsubscribe(session, request);
    }
  }

  #subscribe(session: Session, request: SubscribeRequest): void {
    const instruments = this.#resolve(request);
    if ('type' in instruments) return this.#refuse(session, instruments);
    const isV1 = session.outbox.protocol === 'v1';
    const channels = isV1 ? v1Channels : (request.channels ?? defaultChannels);
    const beyond = isV1 ? instruments.find(({ id }) => id > v1InstrumentMax) : undefined;
    if (beyond !== undefined) {
      return this.#refuse(
        session,
        refused(request.id, refusal.notInV1, `${beyond.symbol} has no number in v1: use v2`),
      );
    }
    const streams = instruments.flatMap(({ id }) => channels.map((on) => streamOf(id, on)));
    const { places } = outboxOf(session);
    const more = streams.filter((stream) => !places.has(stream)).length;
    const most = this.#parts.limits.subscriptionsPerConnection;
    if (places.size + more > most) {
      const error = `${places.size + more} subscriptions, at most ${most} a connection`;
      return this.#refuse(session, refused(request.id, refusal.tooManySubscriptions, error));
    }
    const symbols = instruments.map(({ symbol }) => symbol);
    this.#reply(session, {
      type: 'subscribed',
      ...echo(request.id),
      symbols,
      channels: channels.map(nameOf),
    });
    if (!session.isOpen) return;
    for (const stream of streams) subscribe(this.#parts.fanOut, session, stream);
    this.#introduce(session, instruments, streams);
    if (this.#subscribed) return;
    this.#subscribed = true;
    this.#parts.onFirstSubscriber();
  }

  /** What must be known before the first live frame: the dictionary and, in v2, the snapshot. */
  #introduce(session: Session, instruments: readonly Instrument[], streams: readonly number[]): void {
    this.#tell(session, instruments);
    if (session.outbox.protocol === 'v1') return;
    for (const stream of streams) session.outbox.v2.appendSnapshot(stream);
    this.#parts.fanOut.endTurn();
  }

  /** The instruments' numbers, names and decimals. */
  #tell(session: Session, instruments: readonly Instrument[]): void {
    const { known, wall } = this.#parts;
    const { epoch, version } = known.dictionary;
    if (session.outbox.protocol === 'v1') {
      const symbols = instruments.map(({ id, symbol, priceDecimals, sizeDecimals }) => ({
        id,
        symbol,
        priceDecimals,
        sizeDecimals,
      }));
      session.text({ type: 'symbols', epoch, version, symbols });
      return;
    }
    const timeBase = timeBaseOf(wall());
    for (const block of dictionaryBlocks(epoch, instruments))
      session.outbox.v2.appendOwn(block, block.length, timeBase);
  }

  /**
   * The dictionary has another version: frames say so from here on, and whoever is subscribed to one of the instruments
   * that have changed is told of it before anything else.
   */
  announce(sessions: Iterable<Session>, changed: readonly Instrument[]): void {
    const { fanOut, known } = this.#parts;
    fanOut.room.dictionaryVersion = known.dictionary.version;
    for (const session of sessions) {
      const { outbox } = session;
      // Numbers of v1 frames are whole prices, whatever the decimals: what is open goes first all the same.
      if (outbox.protocol === 'v1') outbox.v1.send();
      else outbox.v2.adoptVersion();
      const own = changed.filter(({ id }) => channelsOf(session, id).length > 0);
      if (own.length > 0 && session.isOpen) this.#tell(session, own);
    }
  }

  #unsubscribe(session: Session, request: SubscribeRequest): void {
    const instruments = this.#resolve(request);
    if ('type' in instruments) return this.#refuse(session, instruments);
    const gone = new Set<number>();
    for (const { id } of instruments) {
      for (const on of request.channels ?? channelsOf(session, id)) {
        if (unsubscribe(this.#parts.fanOut, session, streamOf(id, on))) gone.add(on);
      }
    }
    const symbols = instruments.map(({ symbol }) => symbol);
    const channels = request.channels ?? [...gone].toSorted((a, b) => a - b);
    this.#reply(session, {
      type: 'unsubscribed',
      ...echo(request.id),
      symbols,
      channels: channels.map(nameOf),
    });
  }

  /** All of the request's symbols, each once, or the refusal of the first that is none. */
  #resolve(request: SubscribeRequest): Instrument[] | RefusedRequest {
    const found = new Map<number, Instrument>();
    for (const text of request.symbols) {
      const resolved = this.#parts.known.directory.resolve(text);
      if ('instrument' in resolved) {
        found.set(resolved.instrument.id, resolved.instrument);
        continue;
      }
      const { reason, candidates } = resolved;
      const code = reason === 'ambiguous' ? refusal.ambiguousSymbol : refusal.unknownSymbol;
      return refused(request.id, code, `${reason} symbol ${quoted(text)}`, candidates);
    }
    return [...found.values()];
  }

  #reply(session: Session, message: object): void {
    this.#answered++;
    session.text(message);
  }

  #refuse(session: Session, request: RefusedRequest): void {
    const { id, code, error, didYouMean } = request;
    this.#refused[code] = (this.#refused[code] ?? 0) + 1;
    this.#reply(session, { type: 'error', ...echo(id), code, error, ...(didYouMean && { didYouMean }) });
  }
}

function nameOf(channelNumber: number): string {
  return channelNames[channelNumber]!;
}

function echo(id: RequestId): { id?: string | number } {
  return id === undefined ? {} : { id };
}
