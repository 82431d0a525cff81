/** Records a venue: every message of its streams as it came, and what of REST is needed to replay them. */
import { Feed, type FeedHealth, type FeedOptions } from './feed.ts';
import { RecordingBooks, type RecordingBooksOptions } from './recording-books.ts';
import { type RecordingAccount, RecordingFiles, type RecordingFilesOptions } from './recording-files.ts';

export interface RecorderOptions {
  /** Its clock tells the receive times. */
  readonly feed: Omit<FeedOptions, 'sink' | 'tap' | 'lines' | 'eventClock'>;
  readonly files: Omit<RecordingFilesOptions, 'onFull' | 'onRoom' | 'onFile'>;
  readonly books: Pick<RecordingBooksOptions, 'rest' | 'levels' | 'onTrouble'>;
}

export interface RecorderHealth {
  readonly feed: FeedHealth;
  /** Lines are messages and `books.given`. */
  readonly files: RecordingAccount;
  readonly messages: number;
  readonly books: ReturnType<RecordingBooks['account']>;
  /** How often the sockets waited for the disk, for how long (ms), and whether they do. */
  readonly pauses: number;
  readonly pausedMs: number;
  readonly isPaused: boolean;
}

export class Recorder {
  readonly #feed: Feed;
  readonly #files: RecordingFiles;
  readonly #books: RecordingBooks;
  readonly #options: RecorderOptions;
  #messages = 0;
  #pauses = 0;
  #pausedMs = 0;
  #pausedAt: number | undefined;
  #started = false;

  constructor(options: RecorderOptions) {
    this.#options = options;
    const { feed, files, books } = options;
    const { clock, timers, venue } = feed;
    const byId = new Map(feed.instruments.map((one) => [one.id, one]));
    this.#files = new RecordingFiles({
      ...files,
      onFull: () => this.#pause(),
      onRoom: () => this.#resume(),
      onFile: () => this.#begun(),
    });
    this.#books = new RecordingBooks({
      ...books,
      timers,
      instrumentOf: (id) => byId.get(id),
      give: (line) => this.#files.write(clock.now(), line),
    });
    this.#feed = new Feed({
      ...feed,
      lines: 1,
      tap: (bytes) => {
        this.#messages++;
        this.#files.write(clock.now(), bytes);
      },
      sink: (records) => {
        if (venue.bookFrom === 'rest') this.#books.see(records);
      },
    });
  }

  start(): void {
    this.#feed.start();
  }

  health(): RecorderHealth {
    const pausedNow = this.#pausedAt === undefined ? 0 : this.#options.feed.timers.now() - this.#pausedAt;
    return {
      feed: this.#feed.health(),
      files: this.#files.account(),
      messages: this.#messages,
      books: this.#books.account(),
      pauses: this.#pauses,
      pausedMs: this.#pausedMs + pausedNow,
      isPaused: this.#pausedAt !== undefined,
    };
  }

  /** Lets the streams go, and writes what came. */
  async close(): Promise<void> {
    this.#books.close();
    await this.#feed.close();
    await this.#files.close();
  }

  /** Every file begins with the books: where the venue sends them, they are taken anew. */
  #begun(): void {
    this.#books.forget();
    const { venue, instruments } = this.#options.feed;
    if (this.#started && venue.bookFrom === 'stream')
      for (const { id } of instruments) this.#feed.resubscribe(id);
    this.#started = true;
  }

  #pause(): void {
    this.#pauses++;
    this.#pausedAt = this.#options.feed.timers.now();
    this.#feed.pause();
  }

  #resume(): void {
    if (this.#pausedAt !== undefined) this.#pausedMs += this.#options.feed.timers.now() - this.#pausedAt;
    this.#pausedAt = undefined;
    this.#feed.resume();
  }
}
