/**
 * A recorded session: gzip of lines "receive time in ns, TAB, message". It is read once beforehand, to know what is
 * in it, and a second time while it is played; a file of ordinary size is kept in memory in between.
 */
import { createReadStream } from 'node:fs';
import { constants, createGunzip } from 'node:zlib';
import { Column } from './column.ts';
import type { Dialect } from './dialect.ts';
import type { RecordedMessage } from './recorded-message.ts';
import { RecordedSymbol } from './recorded-symbol.ts';
import { SimulatorFault } from './simulator-fault.ts';
import type { TimeRange } from './source.ts';
import type { RecordingCounts } from './tally.ts';

const newline = 10;
const tab = 9;
const blockBytes = 1024 * 1024;
const heldBytesMax = 512 * 1024 * 1024;
/** Event times further than this from the receive time are taken for nonsense. */
const skewMsMax = 86_400_000;
/** A file without one stream message in so many lines is something else. */
const linesInVain = 10_000;

/** What a line is: the number of its stream, or one of these. */
export const lineKind = { skipped: -1, snapshot: -2 } as const;

export interface RecordedStream {
  readonly name: string;
  readonly symbol: RecordedSymbol;
  /** Its messages tell the best bid and ask. */
  readonly top: boolean;
}

export class Recording {
  readonly file: string;
  readonly #dialect: Dialect;
  readonly streams: RecordedStream[] = [];
  readonly symbols = new Map<string, RecordedSymbol>();
  /** By line: its bytes with the newline, where its payload begins, its stream, when it came, and the market's time. */
  readonly bytes = new Column(Uint32Array);
  readonly payloadAt = new Column(Uint8Array);
  readonly stream = new Column(Int32Array);
  readonly receivedMs = new Column(Float64Array);
  readonly marketMs = new Column(Float64Array);
  /** By line of a snapshot: its update id, and its symbol where the line tells. */
  readonly snapshots = new Map<number, { readonly id: number; readonly symbol: string }>();
  range: TimeRange = { firstMs: Infinity, lastMs: -Infinity };
  /** When the first line came that is a message or a snapshot. */
  receivedFirstMs = Number.NaN;
  messages = 0;
  skipped = 0;
  torn = false;
  #held: Buffer[] | undefined = [];
  #heldBytes = 0;

  constructor(file: string, dialect: Dialect) {
    this.file = file;
    this.#dialect = dialect;
  }

  get lines(): number {
    return this.bytes.length;
  }

  /** Whether the text stays in memory, so that references to it cost nothing more. */
  get held(): boolean {
    return this.#held !== undefined;
  }

  counts(): RecordingCounts {
    const { messages, snapshots, skipped, torn } = this;
    return { lines: messages + snapshots.size + skipped, messages, snapshots: snapshots.size, skipped, torn };
  }

  /** Of a line that is a snapshot. Where it does not name its symbol, it is of the one whose update ids it fits. */
  snapshotOf(line: number): RecordedSymbol | undefined {
    const snapshot = this.snapshots.get(line);
    if (snapshot === undefined) return undefined;
    if (snapshot.symbol !== '') return this.symbols.get(snapshot.symbol);
    const distance = ({ firstUpdateId, lastUpdateId }: RecordedSymbol): number =>
      Math.max(0, firstUpdateId - snapshot.id, snapshot.id - lastUpdateId);
    return [...this.symbols.values()].toSorted((left, right) => distance(left) - distance(right))[0];
  }

  /** The text in pieces of whole lines. */
  blocks(): Iterable<Buffer> | AsyncIterable<Buffer> {
    return this.#held ?? readBlocks(this.file, () => {});
  }

  async scan(): Promise<void> {
    const tornOff = (): void => {
      this.torn = true;
    };
    for await (const block of readBlocks(this.file, tornOff)) {
      this.#hold(block);
      for (let at = 0; at < block.length; ) {
        const end = block.indexOf(newline, at);
        const next = end < 0 ? block.length : end + 1;
        this.#line(block, at, end < 0 ? block.length : end, next - at);
        at = next;
      }
    }
    if (this.messages === 0) throw notOfVenue(this.file, this.#dialect);
  }

  #hold(block: Buffer): void {
    this.#heldBytes += block.length;
    if (this.#heldBytes > heldBytesMax) this.#held = undefined;
    this.#held?.push(block);
  }

  #line(block: Buffer, start: number, end: number, bytes: number): void {
    const at = block.indexOf(tab, start);
    const last = block[end - 1] === 13 ? end - 1 : end;
    const payload = at < 0 || at >= last || at - start > 40 ? -1 : at + 1;
    const receivedMs = payload < 0 ? Number.NaN : Number(block.toString('latin1', start, at)) / 1e6;
    let kind: number = lineKind.skipped;
    let eventMs = Number.NaN;
    if (receivedMs > 0 && receivedMs < Infinity) {
      const message = parse(block.toString('utf8', payload, last));
      if (message !== undefined) [kind, eventMs] = this.#read(message);
    }
    this.bytes.push(bytes);
    this.payloadAt.push(payload < 0 ? 0 : payload - start);
    this.stream.push(kind);
    this.#count(kind, end > start);
    this.#time(kind, receivedMs, eventMs);
  }

  #count(kind: number, any: boolean): void {
    if (kind >= 0) this.messages++;
    else if (kind === lineKind.skipped && any) this.skipped++;
    if (this.messages === 0 && this.skipped > linesInVain) throw notOfVenue(this.file, this.#dialect);
  }

  #time(kind: number, receivedMs: number, eventMs: number): void {
    const lastReceived = this.receivedMs.length === 0 ? 0 : this.receivedMs.at(this.receivedMs.length - 1);
    const lastMarket = this.marketMs.length === 0 ? 0 : this.marketMs.at(this.marketMs.length - 1);
    const known = kind !== lineKind.skipped;
    this.receivedMs.push(known ? Math.max(lastReceived, receivedMs) : lastReceived); // a clock set back is no pause
    if (!known) return this.marketMs.push(lastMarket);
    if (Number.isNaN(this.receivedFirstMs)) this.receivedFirstMs = receivedMs;
    const event = Math.abs(eventMs - receivedMs) <= skewMsMax ? eventMs : receivedMs;
    this.marketMs.push(Math.max(lastMarket, receivedMs, event));
    if (kind < 0) return;
    const { firstMs, lastMs } = this.range;
    this.range = {
      firstMs: Math.min(firstMs, receivedMs, event),
      lastMs: Math.max(lastMs, receivedMs, event),
    };
  }

  /** The kind of a line, and its event time in ms where it has one. */
  #read(fields: Record<string, unknown>): [number, number] {
    const message = this.#dialect.recorded(fields);
    if (message === undefined) return [lineKind.skipped, Number.NaN];
    if (message.stream === undefined) {
      if (message.book === undefined) return [lineKind.skipped, Number.NaN];
      this.snapshots.set(this.lines, { id: message.book.lastId, symbol: message.symbol });
      return [lineKind.snapshot, Number.NaN];
    }
    const index = this.#streamIndex(message.stream, message);
    this.#learn(this.streams[index]!.symbol, message);
    return [index, message.eventUs === undefined ? Number.NaN : message.eventUs / 1_000];
  }

  #learn(symbol: RecordedSymbol, { prices, sizes, trade, book }: RecordedMessage): void {
    symbol.see(prices, sizes);
    if (trade !== undefined) {
      const trades = trade.kind === 'trade' ? symbol.trades : symbol.aggregates;
      trades.push(this.lines, trade.ids, trade.terms);
    }
    if (book === undefined || book.whole) return;
    symbol.firstUpdateId = Math.min(symbol.firstUpdateId, book.firstId);
    symbol.lastUpdateId = Math.max(symbol.lastUpdateId, book.lastId);
  }

  #streamIndex(name: string, message: RecordedMessage): number {
    let index = this.#indexes.get(name);
    if (index === undefined) {
      const symbol = this.symbols.get(message.symbol) ?? new RecordedSymbol(message.symbol);
      if (message.symbol !== '') this.symbols.set(message.symbol, symbol); // '' speaks of all symbols: it is none
      symbol.streams.add(message.type);
      index = this.streams.push({ name, symbol, top: message.top !== undefined }) - 1;
      this.#indexes.set(name, index);
    }
    return index;
  }

  readonly #indexes = new Map<string, number>();
}

export async function scanRecording(file: string, dialect: Dialect): Promise<Recording> {
  const recording = new Recording(file, dialect);
  try {
    await recording.scan();
  } catch (error) {
    if (error instanceof SimulatorFault) throw error;
    throw readFault(file, error as NodeJS.ErrnoException);
  }
  return recording;
}

/** Whole lines, about a megabyte at a time. A file that ends in the middle gives what is there. */
async function* readBlocks(file: string, tornOff: () => void): AsyncGenerator<Buffer> {
  const input = createReadStream(file, { highWaterMark: 256 * 1024 });
  const text = createGunzip({ finishFlush: constants.Z_SYNC_FLUSH, chunkSize: blockBytes });
  input.on('error', (error) => text.destroy(error));
  input.pipe(text);
  let rest: Buffer[] = [];
  for await (const chunk of text as AsyncIterable<Buffer>) {
    const end = chunk.lastIndexOf(newline);
    if (end < 0) {
      rest.push(chunk);
      continue;
    }
    yield rest.length === 0
      ? chunk.subarray(0, end + 1)
      : Buffer.concat([...rest, chunk.subarray(0, end + 1)]);
    rest = end + 1 < chunk.length ? [chunk.subarray(end + 1)] : [];
  }
  if (rest.length === 0) return;
  tornOff(); // the last line has no end: it is judged like any other
  yield Buffer.concat(rest);
}

function parse(text: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : undefined;
  } catch {
    return undefined;
  }
}

function notOfVenue(file: string, { recordings }: Dialect): SimulatorFault {
  return new SimulatorFault(
    `${file} holds no message of ${recordings.of}; give a recording whose lines are a receive time in ns, a tab and ${recordings.form}.`,
  );
}

function readFault(file: string, error: NodeJS.ErrnoException): SimulatorFault {
  if (error.code === 'ENOENT')
    return new SimulatorFault(`There is no recording ${file}; check the path.`, { cause: error });
  if (error.code?.startsWith('Z_')) {
    return new SimulatorFault(
      `${file} is not sound gzip (${error.message}); give a recording packed with gzip.`,
      { cause: error },
    );
  }
  return new SimulatorFault(
    `The recording ${file} cannot be read (${error.message}); check the path and its rights.`,
    { cause: error },
  );
}
