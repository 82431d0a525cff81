/** Plays a recording: exactly the recorded bytes, in their order, to whoever has subscribed to their stream. */
import { performance } from 'node:perf_hooks';
import { setTimeout as sleep, setImmediate as turn } from 'node:timers/promises';
import type { Bar } from './bar.ts';
import type { Channel, Switchboard } from './channel.ts';
import type { Dialect, Floor, VenueSource } from './dialect.ts';
import type { Instrument } from './instrument.ts';
import type { Interval } from './interval.ts';
import { RecordedBook } from './recorded-book.ts';
import { endlessTape, type RecordedSymbol } from './recorded-symbol.ts';
import { lineKind, type Recording } from './recording.ts';
import { Series } from './series.ts';
import type { Session } from './session.ts';
import { SimulatorFault } from './simulator-fault.ts';
import type {
  DepthAnswer,
  ListedSymbol,
  MarketCommand,
  QuoteAnswer,
  Source,
  SymbolView,
  TimeRange,
} from './source.ts';
import type { RecordingCounts, Tally } from './tally.ts';
import type { Tape } from './tape.ts';

const linesPerTurn = 2_000;
const turnMsMax = 10;
const waitMsMax = 50;
/** Depth messages that wait to be read: few where each keeps a block of text alive that else could go. */
const notedMax = 10_000;
const notedMaxHeld = 200_000;

interface PlayedStream {
  readonly channel: Channel;
  /** Undefined for a stream of all symbols. */
  readonly view: RecordedView | undefined;
  /** Its messages tell the best bid and ask. */
  readonly top: boolean;
}

export class Player implements Source {
  readonly listing: readonly ListedSymbol[];
  readonly range: TimeRange;
  readonly finished: Promise<void>;
  readonly recording: RecordingCounts;
  readonly #recording: Recording;
  readonly #speed: number | 'max';
  readonly #switchboard: Switchboard;
  readonly #tally: Tally;
  readonly #views = new Map<string, RecordedView>();
  readonly #streams: readonly PlayedStream[];
  #finish: () => void = () => {};
  #fail: (error: unknown) => void = () => {};
  #line = 0;
  #startedMs: number | undefined;
  #closed = false;

  constructor(recording: Recording, speed: number | 'max', floor: Floor) {
    const { switchboard, dialect } = floor;
    this.#recording = recording;
    this.#speed = speed;
    this.#switchboard = switchboard;
    this.#tally = floor.tally;
    this.range = recording.range;
    this.recording = recording.counts();
    this.finished = new Promise((resolve, reject) => {
      this.#finish = resolve;
      this.#fail = reject;
    });
    const played = (): number => this.#line;
    for (const symbol of recording.symbols.values())
      this.#views.set(
        symbol.symbol,
        new RecordedView(symbol, played, new RecordedBook(recording.held ? notedMaxHeld : notedMax, dialect)),
      );
    this.#streams = recording.streams.map(({ name, symbol, top }) => ({
      top,
      channel: switchboard.channel(name),
      view: this.#views.get(symbol.symbol),
    }));
    this.listing = [...recording.symbols.values()].map((each) => {
      const { symbol, base, quote, tickSize, stepSize } = each.instrument();
      return { symbol, base, quote, tickSize, stepSize, streams: [...each.streams] };
    });
  }

  /** The time of the newest message, or where the recorder's clock must be by now. */
  nowMs(): number {
    const newest = this.#line === 0 ? 0 : this.#recording.marketMs.at(this.#line - 1);
    return Math.max(this.range.firstMs, newest, this.#recordedMs());
  }

  at(_dialect: Dialect): VenueSource {
    return this;
  }

  order({ kind }: MarketCommand): void {
    throw new SimulatorFault(`A recording cannot ${kind} a symbol; use the simulated market.`);
  }

  schedule(afterMs: number, act: () => void): void {
    setTimeout(act, afterMs).unref();
  }

  view(symbol: string): SymbolView | undefined {
    return this.#views.get(symbol);
  }

  start(): void {
    if (this.#startedMs !== undefined) return;
    this.#startedMs = performance.now();
    this.#play().then(this.#finish, this.#fail);
  }

  close(): Promise<void> {
    this.#closed = true;
    return Promise.resolve();
  }

  /** Where the recorder's clock stands, at a paced speed; never past the end. */
  #recordedMs(): number {
    if (this.#startedMs === undefined || this.#speed === 'max') return -Infinity;
    const { receivedMs, receivedFirstMs, lines } = this.#recording;
    const due = receivedFirstMs + (performance.now() - this.#startedMs) * this.#speed;
    return Math.min(due, receivedMs.at(lines - 1));
  }

  async #play(): Promise<void> {
    for await (const block of this.#recording.blocks()) {
      for (let at = 0; at < block.length && !this.#closed; ) {
        at = this.#speed === 'max' ? await this.#rush(block, at) : await this.#stroll(block, at);
      }
    }
    if (this.#closed) return new Promise(() => {}); // closed before its end: it never finishes
    await this.#switchboard.emptied();
  }

  /** As fast as the slowest reader: stops where a socket has enough in hand. */
  async #rush(block: Buffer, start: number): Promise<number> {
    const until = performance.now() + turnMsMax;
    let at = start;
    do {
      at = this.#send(block, at, linesPerTurn, Infinity);
      this.#switchboard.flush();
    } while (at < block.length && !this.#switchboard.congested && performance.now() < until);
    await turn(); // answers, pings and other timers get their share
    await this.#switchboard.room();
    return at;
  }

  /** At the recorded pace, or a multiple of it. */
  async #stroll(block: Buffer, start: number): Promise<number> {
    const at = this.#send(block, start, linesPerTurn, this.#recordedMs());
    this.#switchboard.flush();
    const { receivedMs, lines } = this.#recording;
    if (this.#line >= lines) return at;
    const waitMs = (receivedMs.at(this.#line) - this.#recordedMs()) / (this.#speed as number);
    if (waitMs <= 0) await turn();
    else await sleep(Math.min(waitMsMax, waitMs));
    return at;
  }

  /** Sends up to `count` lines that came no later than `untilMs`; answers where the next one begins. */
  #send(block: Buffer, start: number, count: number, untilMs: number): number {
    const { bytes, payloadAt, stream, receivedMs } = this.#recording;
    let at = start;
    for (let i = 0; i < count && at < block.length; i++) {
      const line = this.#line;
      if (receivedMs.at(line) > untilMs) break;
      const next = at + bytes.at(line);
      const kind = stream.at(line);
      this.#line = line + 1;
      if (kind >= 0)
        this.#hand(this.#streams[kind]!, block, at + payloadAt.at(line), payloadEnd(block, next));
      else if (kind === lineKind.snapshot)
        this.#noteSnapshot(line, block.subarray(at + payloadAt.at(line), next));
      at = next;
    }
    return at;
  }

  #hand({ channel, view, top }: PlayedStream, block: Buffer, start: number, end: number): void {
    this.#tally.produced[channel.kind]++;
    channel.count++;
    if (top) view?.book.noteTop(block, start, end);
    else if (channel.kind === 'depth') view?.book.note(block.subarray(start, end));
    for (let i = channel.milli.length - 1; i >= 0; i--) hand(channel, channel.milli[i]!, block, start, end);
    for (let i = channel.micro.length - 1; i >= 0; i--) hand(channel, channel.micro[i]!, block, start, end);
  }

  #noteSnapshot(line: number, payload: Buffer): void {
    const of = this.#recording.snapshotOf(line);
    if (of !== undefined) this.#views.get(of.symbol)!.book.note(payload);
  }
}

function payloadEnd(block: Buffer, next: number): number {
  let end = next;
  if (block[end - 1] === 10) end--;
  if (block[end - 1] === 13) end--;
  return end;
}

/** The bare payload lies between the head of the combined form and its last brace, unless someone wrote it otherwise. */
function hand(channel: Channel, session: Session, block: Buffer, start: number, end: number): void {
  const { head } = channel;
  const usual = block.compare(head, 0, head.length, start, start + head.length) === 0;
  if (usual || session.combined) return session.deliver(channel, block, start, end, start + head.length);
  const { data } = JSON.parse(block.toString('utf8', start, end)) as { data: unknown };
  const rewritten = Buffer.from(`${head.toString()}${JSON.stringify(data)}}`);
  session.deliver(channel, rewritten, 0, rewritten.length, head.length);
}

/** What REST may know of a symbol: what has been played. */
class RecordedView implements SymbolView {
  readonly instrument: Instrument;
  readonly status = 'TRADING';
  readonly book: RecordedBook;
  readonly #recorded: RecordedSymbol;
  readonly #played: () => number;
  readonly #tradeTape: Tape = endlessTape();
  readonly #aggregateTape: Tape = endlessTape();
  #tradesReeled = 0;
  #aggregatesReeled = 0;

  constructor(recorded: RecordedSymbol, played: () => number, book: RecordedBook) {
    this.book = book;
    this.#recorded = recorded;
    this.#played = played;
    this.instrument = recorded.instrument();
  }

  get trades(): Tape {
    const { trades } = this.#recorded;
    this.#tradesReeled = this.#recorded.reel(trades, this.#tradesReeled, this.#played(), this.#tradeTape);
    return this.#tradeTape;
  }

  /** Recorded aggregates; where there are none, each trade is one of its own. */
  get aggregates(): Tape {
    const { aggregates } = this.#recorded;
    if (aggregates.length === 0) return this.trades;
    this.#aggregatesReeled = this.#recorded.reel(
      aggregates,
      this.#aggregatesReeled,
      this.#played(),
      this.#aggregateTape,
    );
    return this.#aggregateTape;
  }

  bars(interval: Interval, fromMs: number | undefined, toMs: number, limit: number): readonly Bar[] {
    const tape = this.#recorded.trades.length > 0 ? this.trades : this.aggregates;
    return new Series(tape).bars(interval, fromMs, toMs, limit);
  }

  depth(levels: number): DepthAnswer {
    return this.book.depth(levels);
  }

  quote(): QuoteAnswer | undefined {
    return this.book.quote();
  }
}
