/**
 * A recording through the whole way from message to bars, in one process: no threads, no sockets, and the recording's
 * own time. The same file, configuration and program give the same bytes.
 */
import type { Config } from '../config/load.ts';
import { BookRecords } from '../feeds/book-records.ts';
import { writeBook } from '../feeds/book-snapshot.ts';
import { type FeedAccount, FeedCounts } from '../feeds/feed-counts.ts';
import { followEvents, ownRecord } from '../feeds/feed-records.ts';
import { type Normaliser, recordedTimes, recordsPerMessageMax } from '../feeds/normaliser.ts';
import { venues } from '../feeds/registry.ts';
import { steadyTimers } from '../feeds/timers.ts';
import { RestFault, restDefaults, restPriority, type VenueRest } from '../feeds/venue-rest.ts';
import { EventClock } from '../market/clock.ts';
import { canonicalSymbol, type Instrument } from '../market/instrument.ts';
import type { Bar } from '../market/tick.ts';
import type { Dialect, VenueName } from '../simulator/dialect.ts';
import { RecordedBook } from '../simulator/recorded-book.ts';
import { lineKind, type Recording, scanRecording } from '../simulator/recording.ts';
import type { RecordingCounts } from '../simulator/tally.ts';
import { dialectOf } from '../simulator/venues.ts';
import { tickKind, tickRecords } from '../wire/tick-record.ts';
import { indexDefinitions, indexInstruments } from './indexes.ts';
import { DigestTaker, type OfflineDigests } from './offline-digests.ts';
import { type OfflineRequests, OfflineShards } from './offline-shards.ts';
import { recordedVenue } from './recorded-venue.ts';

export interface OfflineOptions {
  readonly file: string;
  readonly config: Config;
  /** Told by the file's first lines unless given. */
  readonly venue?: VenueName;
  /** Sees every state of every bar that goes to the stores. */
  readonly onBar?: (bar: Bar) => void;
}

export interface OfflineResult extends OfflineDigests {
  readonly file: string;
  readonly venue: string;
  /** Market time, ISO. */
  readonly from: string;
  readonly to: string;
  readonly instruments: number;
  readonly shards: number;
  readonly recording: RecordingCounts;
  readonly feed: FeedAccount;
  /** Snapshots recorded, those made of them and the changes since when a shard asked, and those that are no books. */
  readonly books: { readonly snapshots: number; readonly made: number; readonly refused: number };
  /** What the shards asked for, beyond what is recorded. */
  readonly requests: OfflineRequests;
  /** By name, of all shards. */
  readonly counts: Readonly<Record<string, number>>;
}

/** Depth messages that a book notes before it reads them. */
const notedMax = 1_000;

/** @throws SimulatorFault when the file cannot be read or is no recording */
export async function replayOffline(options: OfflineOptions): Promise<OfflineResult> {
  const { file, config, onBar } = options;
  const name = options.venue ?? (await recordedVenue(file));
  const recording = await scanRecording(file, dialectOf(name));
  const replay = new OfflineReplay(name, recording, config, new DigestTaker(onBar));
  await replay.run();
  return replay.result();
}

class OfflineReplay {
  readonly #config: Config;
  readonly #name: VenueName;
  readonly #recording: Recording;
  readonly #dialect: Dialect;
  readonly #instruments: readonly Instrument[];
  readonly #byNative: ReadonlyMap<string, Instrument>;
  readonly #normaliser: Normaliser;
  readonly #rest: VenueRest;
  readonly #shards: OfflineShards;
  readonly #digests: DigestTaker;
  readonly #clock = new EventClock();
  readonly #counts = new FeedCounts();
  readonly #books: BookRecords;
  readonly #records = tickRecords(recordsPerMessageMax);
  readonly #snapshots = { snapshots: 0, made: 0, refused: 0 };
  /** By instrument; and those of which a snapshot was recorded: without one nobody knows the book. */
  readonly #recorded = new Map<number, RecordedBook>();
  readonly #known = new Set<number>();
  /** By stream of the recording: the instrument whose book it changes, 0 for none. */
  readonly #bookOf: readonly number[];
  /** What REST answers next: a line of the recording. */
  #answer = '';
  #nextClock = 0;

  constructor(name: VenueName, recording: Recording, config: Config, digests: DigestTaker) {
    this.#name = name;
    this.#recording = recording;
    this.#config = config;
    this.#digests = digests;
    const venue = venues[name];
    const listed = [...recording.symbols.values()].map((recorded) => {
      const { symbol: native, base, quote, priceDecimals, sizeDecimals } = recorded.instrument();
      const symbol = canonicalSymbol(venue.name, native);
      return { venue: venue.name, native, symbol, base, quote, priceDecimals, sizeDecimals, active: true };
    });
    const all = [...listed, ...indexInstruments(config, listed)];
    this.#instruments = all.map((one, index) => ({ ...one, id: index + 1 }));
    const own = this.#instruments.filter((one) => one.venue === venue.name);
    this.#byNative = new Map(own.map((one) => [one.native, one]));
    this.#dialect = dialectOf(name);
    this.#bookOf = recording.streams.map(({ name: stream, symbol }) => {
      const isBook = venue.bookFrom === 'rest' && this.#dialect.traits(stream).kind === 'depth';
      return isBook ? (this.#byNative.get(symbol.symbol)?.id ?? 0) : 0;
    });
    const { firstMs, lastMs } = recording.range;
    const places = { binance: config.exchange, coinbase: config.coinbase, backpack: config.backpack };
    this.#normaliser = venue.normaliser({
      instruments: own,
      tradesOf: ({ native }) => tradesOf(recording.symbols.get(native)!.streams),
      plausible: recordedTimes(firstMs * 1_000, lastMs * 1_000),
      messageBytesMax: places[name].messageBytesMax,
      bookLevels: config.books.levels,
    });
    this.#books = new BookRecords(config.books.levels);
    this.#rest = venue.rest({
      ...restDefaults,
      baseUrl: 'http://recording',
      timers: steadyTimers,
      budget: 1e6,
      budgetMs: 1_000,
      fetch: () => Promise.resolve(new Response(this.#answer)),
    });
    const epoch = Math.floor(firstMs / 1_000);
    const indexes = indexDefinitions(config, { epoch, version: 1, instruments: this.#instruments });
    this.#shards = new OfflineShards({ config, instruments: this.#instruments, indexes, epoch, digests });
    // Quotes may have no time of their own: those before the first trade are of the recording's beginning.
    this.#clock.advanceTo(Math.floor(firstMs * 1_000));
  }

  async run(): Promise<void> {
    const recording = this.#recording;
    for (const { id } of this.#byNative.values()) {
      const now = this.#clock.now();
      this.#counts.countOwn();
      this.#shards.take(ownRecord({ kind: tickKind.subscribed, instrument: id, id: 1, now }), 1);
    }
    let line = 0;
    for await (const block of recording.blocks()) {
      for (let at = 0; at < block.length; line++) {
        const next = at + recording.bytes.at(line);
        const payload = at + recording.payloadAt.at(line);
        const end = endOf(block, next);
        const kind = recording.stream.at(line);
        if (kind === lineKind.snapshot) await this.#takeSnapshot(line, block.subarray(payload, end));
        // A line without a tab is no message.
        else if (payload > at) this.#takeMessage(block, payload, end, kind);
        if (this.#tellTime()) await this.#makeBooks();
        at = next;
      }
    }
    this.#shards.finish(this.#clock.now());
  }

  result(): OfflineResult {
    const { firstMs, lastMs } = this.#recording.range;
    return {
      file: this.#recording.file,
      venue: venues[this.#name].name,
      from: new Date(firstMs).toISOString(),
      to: new Date(lastMs).toISOString(),
      instruments: this.#instruments.length,
      shards: this.#shards.count,
      recording: this.#recording.counts(),
      feed: this.#counts.account(),
      books: { ...this.#snapshots },
      requests: this.#shards.requests(),
      ...this.#digests.digests(this.#instruments),
      counts: this.#shards.counts(),
    };
  }

  #takeMessage(block: Buffer, from: number, to: number, stream: number): void {
    const answer = this.#normaliser.normalise(block, from, to, this.#clock.now(), this.#records);
    this.#counts.count(answer);
    if (answer <= 0) return;
    followEvents(this.#records, answer, this.#clock);
    this.#shards.take(this.#records, answer);
    const id = this.#bookOf[stream] ?? 0;
    if (id === 0) return;
    const message = block.subarray(from, to);
    // A part of a block would keep all of it in memory.
    this.#recordedOf(id).note(this.#recording.held ? message : Buffer.from(message));
  }

  /** An answer of REST that lies among the messages, read as REST's answers are. */
  async #takeSnapshot(line: number, payload: Buffer): Promise<void> {
    const instrument = this.#byNative.get(this.#recording.snapshotOf(line)?.symbol ?? '');
    const { url, body } = answerOf(payload.toString());
    const given = await this.#giveBook(instrument, body, limitOf(url) ?? levelsOf(body));
    this.#snapshots[given ? 'snapshots' : 'refused']++;
    if (!given) return;
    this.#known.add(instrument!.id);
    this.#recordedOf(instrument!.id).note(payload);
  }

  /** What a shard asks REST for, REST would answer from its book of this moment. */
  async #makeBooks(): Promise<void> {
    for (const id of this.#shards.wantedBooks()) {
      if (!this.#known.has(id)) continue;
      const book = this.#recordedOf(id);
      const levels = this.#config.books.levels;
      const given = await this.#giveBook(
        this.#instruments[id - 1],
        JSON.stringify(book.depth(levels)),
        levels,
      );
      this.#snapshots[given ? 'made' : 'refused']++;
    }
  }

  #recordedOf(id: number): RecordedBook {
    let book = this.#recorded.get(id);
    if (book === undefined) this.#recorded.set(id, (book = new RecordedBook(notedMax, this.#dialect)));
    return book;
  }

  /** @param levels as many as were asked for: with fewer in the answer, the book is known as a whole */
  async #giveBook(instrument: Instrument | undefined, answer: string, levels: number): Promise<boolean> {
    if (instrument === undefined) return false;
    this.#answer = answer;
    try {
      const book = await this.#rest.book(instrument, levels, restPriority.book);
      const count = writeBook(this.#books, instrument.id, book, this.#clock.now(), this.#records);
      this.#shards.take(this.#records, count);
      return true;
    } catch (error) {
      if (error instanceof RestFault) return false;
      throw error;
    }
  }

  /** By the venue's own time, each interval of the configuration; true when it was told. */
  #tellTime(): boolean {
    const now = this.#clock.now();
    if (now < this.#nextClock) return false;
    const interval = this.#config.bars.clock * 1_000;
    if (this.#nextClock > 0) this.#shards.tell(now);
    this.#nextClock = (Math.floor(now / interval) + 1) * interval;
    return true;
  }
}

function tradesOf(streams: ReadonlySet<string>): 'trade' | 'aggTrade' {
  return streams.has('trade') || !streams.has('aggTrade') ? 'trade' : 'aggTrade';
}

function endOf(block: Buffer, next: number): number {
  let end = next;
  if (block[end - 1] === 10) end--;
  if (block[end - 1] === 13) end--;
  return end;
}

/** A depth answer that stands alone, or `{"url":…,"symbol":…,"body":…}`, as `tickwire record` writes it. */
function answerOf(text: string): { readonly url: string | undefined; readonly body: string } {
  const { url, body } = JSON.parse(text) as { url?: unknown; body?: unknown };
  if (typeof body !== 'object' || body === null) return { url: undefined, body: text };
  return { url: typeof url === 'string' ? url : undefined, body: JSON.stringify(body) };
}

/** How many levels were asked for: with fewer in the answer, the book is known as a whole. */
function limitOf(url: string | undefined): number | undefined {
  const limit = Number(/[?&]limit=(\d{1,5})(?:&|$)/.exec(url ?? '')?.[1]);
  return limit > 0 ? limit : undefined;
}

function levelsOf(answer: string): number {
  const { bids, asks } = JSON.parse(answer) as { bids: unknown[]; asks: unknown[] };
  return Math.max(bids.length, asks.length, 1);
}
