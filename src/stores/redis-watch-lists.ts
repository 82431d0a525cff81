/**
 * Watch lists that others keep in Redis (document 002: `marketwatch:{session_id}` → SET of symbols), read again and again.
 * What all of them want together is told each time; while Redis does not answer, what it said last holds.
 */
import { Redis } from 'ioredis';

export interface RedisPlace {
  /** `host:port`. */
  readonly addr: string;
  readonly password: string;
  readonly db: number;
}

export interface WatchListsOptions extends RedisPlace {
  readonly everyMs: number;
  /** The symbols of all watch lists, each once. */
  readonly onSymbols: (symbols: ReadonlySet<string>) => void;
  /** Redis did not answer, or there are more watch lists than are read. */
  readonly onFault: (reason: string) => void;
}

export interface WatchListsHealth {
  readonly state: 'connected' | 'degraded';
  readonly lists: number;
  readonly symbols: number;
  readonly readings: number;
  readonly faults: number;
}

const pattern = 'marketwatch:*';
const perScan = 1_000;
/** More lists than that are not read: told as a fault. */
const listsMax = 100_000;
const commandMs = 2_000;

export class RedisWatchLists {
  readonly #options: WatchListsOptions;
  readonly #redis: Redis;
  #timer: NodeJS.Timeout | undefined;
  #closed = false;
  #lists = 0;
  #symbols = 0;
  #readings = 0;
  #faults = 0;
  #failing = false;

  constructor(options: WatchListsOptions) {
    this.#options = options;
    const { addr, password, db } = options;
    const cut = addr.lastIndexOf(':');
    this.#redis = new Redis({
      host: addr.slice(0, cut),
      port: Number(addr.slice(cut + 1)),
      db,
      ...(password === '' ? {} : { password }),
      lazyConnect: true,
      connectTimeout: commandMs,
      commandTimeout: commandMs,
      maxRetriesPerRequest: 0,
      enableOfflineQueue: true,
      retryStrategy: (attempt) => Math.min(attempt * 100, options.everyMs),
    });
    // Each reading says what went wrong; without a listener the process would end.
    this.#redis.on('error', () => undefined);
  }

  start(): void {
    void this.#turn();
  }

  health(): WatchListsHealth {
    return {
      state: this.#failing ? 'degraded' : 'connected',
      lists: this.#lists,
      symbols: this.#symbols,
      readings: this.#readings,
      faults: this.#faults,
    };
  }

  close(): void {
    this.#closed = true;
    clearTimeout(this.#timer);
    this.#redis.disconnect();
  }

  async #turn(): Promise<void> {
    try {
      const symbols = await this.#read();
      if (this.#closed) return;
      this.#readings++;
      this.#failing = false;
      this.#symbols = symbols.size;
      this.#options.onSymbols(symbols);
    } catch (error) {
      if (this.#closed) return;
      this.#fault(error instanceof Error ? error.message : String(error));
    }
    this.#timer = setTimeout(() => void this.#turn(), this.#options.everyMs);
  }

  #fault(reason: string): void {
    this.#faults++;
    this.#failing = true;
    this.#options.onFault(reason);
  }

  async #read(): Promise<Set<string>> {
    const symbols = new Set<string>();
    const seen = new Set<string>();
    let cursor = '0';
    do {
      const [next, keys] = await this.#redis.scan(cursor, 'MATCH', pattern, 'COUNT', perScan);
      cursor = next;
      const news = keys.filter((key) => !seen.has(key));
      for (const key of news) seen.add(key);
      if (seen.size > listsMax) throw new Error(`more than ${listsMax} watch lists (${pattern})`);
      for (const members of await this.#members(news)) for (const symbol of members) symbols.add(symbol);
    } while (cursor !== '0');
    this.#lists = seen.size;
    return symbols;
  }

  /** A key that is no set is somebody else's, and wants nothing. */
  async #members(keys: readonly string[]): Promise<string[][]> {
    if (keys.length === 0) return [];
    const pipeline = this.#redis.pipeline();
    for (const key of keys) pipeline.smembers(key);
    const answers = (await pipeline.exec()) ?? [];
    return answers.flatMap(([error, members]) => {
      if (error === null) return [members as string[]];
      if (error.message.startsWith('WRONGTYPE')) return [];
      throw error;
    });
  }
}
