/**
 * Snapshots of order books for a recording of a venue whose book streams are changes alone: asked of REST when a book's
 * first change has come, and again when changes are missing or a new file begins, so that each file can be replayed by
 * itself. The answer becomes a line of its own, `{"url":…,"symbol":…,"body":the answer as it came}`.
 *
 *   asked = given + failed + forgotten + under way
 */
import type { Instrument } from '../market/instrument.ts';
import { type TickRecords, tickField, tickFlag, tickKind } from '../wire/tick-record.ts';
import type { Timers } from './timers.ts';
import { RestFault, restPriority, type VenueRest } from './venue-rest.ts';

export interface RecordingBooksOptions {
  readonly instrumentOf: (id: number) => Instrument | undefined;
  /** Makes the client, which is to ask with this `fetch`, for books only. */
  readonly rest: (ask: typeof fetch) => VenueRest;
  readonly levels: number;
  readonly timers: Timers;
  readonly give: (line: Uint8Array) => void;
  readonly onTrouble: (instrument: Instrument, error: unknown) => void;
}

interface Followed {
  readonly id: number;
  /** The least update id that a snapshot may have, less one: what came before is not in the recording. */
  first: number;
  last: number;
  isWanted: boolean;
  notBefore: number;
  failures: number;
}

const retryMs = { first: 1_000, most: 60_000 } as const;
const numberless = tickFlag.noIds | tickFlag.snapshot;

export class RecordingBooks {
  readonly #options: RecordingBooksOptions;
  readonly #rest: VenueRest;
  readonly #books = new Map<number, Followed>();
  readonly #counts = { asked: 0, given: 0, failed: 0, forgotten: 0 };
  #answer: { readonly url: string; readonly parts: Uint8Array[] } | undefined;
  #busy = false;
  #closed = false;
  #cancel: (() => void) | undefined;

  constructor(options: RecordingBooksOptions) {
    this.#options = options;
    this.#rest = options.rest((input, init) => this.#ask(input, init));
  }

  account(): {
    readonly asked: number;
    readonly given: number;
    readonly failed: number;
    readonly forgotten: number;
  } {
    return { ...this.#counts };
  }

  /** Records of one message: a change of a book is followed. */
  see({ halves, words }: TickRecords): void {
    const head = halves[tickField.head]!;
    if ((head & 0xff) !== tickKind.book || (head & numberless) !== 0) return;
    const id = halves[tickField.instrument]!;
    const first = words[tickField.firstUpdate]!;
    const book = this.#books.get(id);
    if (book === undefined) {
      const last = words[tickField.id]!;
      this.#books.set(id, { id, first, last, isWanted: true, notBefore: 0, failures: 0 });
      this.#work();
      return;
    }
    const isGap = first > book.last + 1;
    book.last = Math.max(book.last, words[tickField.id]!);
    if (!isGap) return;
    book.first = first;
    book.isWanted = true;
    this.#work();
  }

  /** A new file begins: nothing of it is known. */
  forget(): void {
    this.#books.clear();
  }

  close(): void {
    this.#closed = true;
    this.#cancel?.();
    this.#books.clear();
  }

  /** One after the other, so that an answer is surely that of the book that was asked for. */
  #work(): void {
    if (this.#busy || this.#closed) return;
    this.#cancel?.();
    this.#cancel = undefined;
    const now = this.#options.timers.now();
    let wait = Number.POSITIVE_INFINITY;
    for (const book of this.#books.values()) {
      if (!book.isWanted) continue;
      if (book.notBefore <= now) {
        void this.#fetch(book);
        return;
      }
      wait = Math.min(wait, book.notBefore - now);
    }
    if (wait !== Number.POSITIVE_INFINITY)
      this.#cancel = this.#options.timers.after(wait, () => this.#work());
  }

  async #fetch(book: Followed): Promise<void> {
    const { instrumentOf, levels, timers, onTrouble } = this.#options;
    const instrument = instrumentOf(book.id);
    if (instrument === undefined) {
      this.#books.delete(book.id);
      return;
    }
    this.#busy = true;
    this.#answer = undefined;
    this.#counts.asked++;
    let waitMs = 0;
    try {
      const { lastId } = await this.#rest.book(instrument, levels, restPriority.book);
      if (this.#books.get(book.id) !== book) this.#counts.forgotten++;
      else if (lastId + 1 < book.first)
        throw new RestFault('unreachable', 'its book is older than its stream');
      else {
        this.#write(instrument);
        this.#counts.given++;
        book.isWanted = false;
        book.failures = 0;
      }
    } catch (error) {
      this.#counts.failed++;
      waitMs = Math.min(retryMs.most, retryMs.first * 2 ** book.failures++);
      if (error instanceof RestFault) waitMs = Math.max(waitMs, error.retryAfterMs);
      if (!this.#closed) onTrouble(instrument, error);
    }
    book.notBefore = timers.now() + waitMs;
    this.#busy = false;
    this.#work();
  }

  #write({ native }: Instrument): void {
    const answer = this.#answer;
    if (answer === undefined) throw new Error('broken invariant: a book without an answer');
    const head = `{"url":${JSON.stringify(answer.url)},"symbol":${JSON.stringify(native)},"body":`;
    this.#options.give(Buffer.concat([Buffer.from(head), ...answer.parts, Buffer.from('}')]));
  }

  /** As `fetch`, and keeps what was answered. Its length is checked by who reads it. */
  async #ask(input: Parameters<typeof fetch>[0], init?: RequestInit): Promise<Response> {
    const response = await fetch(input, init);
    const parts: Uint8Array[] = [];
    this.#answer = { url: input instanceof Request ? input.url : String(input), parts };
    const body = response.body?.pipeThrough(
      new TransformStream<Uint8Array, Uint8Array>({
        transform: (part, to) => {
          parts.push(part);
          to.enqueue(part);
        },
      }),
    );
    const { status, statusText, headers } = response;
    return new Response(body ?? null, { status, statusText, headers });
  }
}
