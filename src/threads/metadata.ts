/**
 * Changes of instruments while the server runs: a venue lists a new symbol, no longer lists an old one, or makes its ticks
 * or lots finer. Each change is a new version of the dictionary; ids are never given anew, and decimals never shrink.
 *
 *   listing ─► stores: what is new and what is gone, with the decimals known so far ─► everybody: version + 1
 *           ─► then, one instrument after the other, finer decimals, in the stream of its records: version + 1
 *
 * The second half goes through feed, hub and shard as a `rescale` record. What is made before it is counted by the old
 * decimals, what is made after it by the new ones, and stores and gateways change over where they find it.
 */
import { enrolled, type Listed } from '../market/enrolment.ts';
import type { Dictionary, Instrument } from '../market/instrument.ts';
import type { Log } from '../telemetry/log.ts';
import { reasonOf } from './listing.ts';
import { takeRefreshWish } from './refresh-wish.ts';
import type { Refreshed } from './stored-instruments.ts';
import type { VenueSettings } from './venues.ts';
import type { Finer } from './writer.ts';

export interface MetadataParts {
  readonly dictionary: Dictionary;
  /** The highest number that an instrument may get in this run. */
  readonly instrumentsMax: number;
  readonly venues: readonly Pick<VenueSettings, 'venue' | 'core' | 'anySymbol'>[];
  readonly dataDir: string;
  readonly line: {
    adopt(dictionary: Dictionary): void;
    /** By venue: messages refused because they are of another tick size, or of a symbol that is not known. */
    oldMetadata(): ReadonlyMap<string, number>;
  };
  readonly rest: {
    onListed(take: (venue: string, listed: readonly Listed[]) => void): void;
    refresh(venue: string): void;
  };
  readonly stored: {
    refresh(venue: string, listed: readonly Listed[], finer: readonly Finer[]): Promise<Refreshed>;
    rescaled(instrument: number, withinMs: number): Promise<boolean>;
  };
  /** Everybody else who has a dictionary. */
  readonly told: readonly ((dictionary: Dictionary) => void)[];
  readonly log: Pick<Log, 'info' | 'warn' | 'incident'>;
  /** ms, steady. */
  readonly now?: () => number;
}

export interface MetadataHealth {
  readonly version: number;
  readonly instruments: number;
  /** How many more may be listed before a restart is needed. */
  readonly room: number;
  /** s ago, by venue; null for one that has not answered yet. */
  readonly listedSecondsAgo: Readonly<Record<string, number | null>>;
  readonly changes: number;
  /** Instruments that got more decimals. */
  readonly rescales: number;
  /** Listings that were asked for early, since messages did not fit what is known. */
  readonly early: number;
}

/** So many messages that do not fit what is known of the symbols are what a change looks like. */
const burst = 3;
const earlyMs = 60_000;
const rescaleMs = 30_000;

export class Metadata {
  readonly #parts: MetadataParts;
  readonly #now: () => number;
  #dictionary: Dictionary;
  #under: Promise<void> = Promise.resolve();
  readonly #listedAt = new Map<string, number>();
  /** By venue: refused messages when it was last asked early, and when that was. */
  readonly #refused = new Map<string, number>();
  readonly #earlyAt = new Map<string, number>();
  #closed = false;
  #isFull = false;
  #changes = 0;
  #rescales = 0;
  #early = 0;

  constructor(parts: MetadataParts) {
    this.#parts = parts;
    this.#dictionary = parts.dictionary;
    this.#now = parts.now ?? (() => performance.now());
    const listedAtStart = new Set(parts.dictionary.instruments.map(({ venue }) => venue));
    for (const { venue } of parts.venues)
      if (listedAtStart.has(venue.name)) this.#listedAt.set(venue.name, this.#now());
    parts.rest.onListed((venue, listed) => void this.listed(venue, listed));
  }

  get dictionary(): Dictionary {
    return this.#dictionary;
  }

  /** A venue's whole listing. Resolves when all that it changes is done; one listing after the other. */
  listed(venue: string, listed: readonly Listed[]): Promise<void> {
    this.#under = this.#under
      .then(() => (this.#closed ? undefined : this.#take(venue, listed)))
      .catch((error: unknown) =>
        this.#parts.log.incident('metadata', 'a listing could not be taken; the next one may', {
          venue,
          error: reasonOf(error),
        }),
      );
    return this.#under;
  }

  /** To be called now and then: asks for listings when somebody wishes them, or when messages do not fit what is known. */
  check(): void {
    if (this.#closed) return;
    const { dataDir, venues, rest, line } = this.#parts;
    if (takeRefreshWish(dataDir)) for (const { venue } of venues) rest.refresh(venue.name);
    for (const [venue, refused] of line.oldMetadata()) {
      if (refused - (this.#refused.get(venue) ?? 0) < burst) continue;
      const now = this.#now();
      if (now - (this.#earlyAt.get(venue) ?? Number.NEGATIVE_INFINITY) < earlyMs) continue;
      this.#refused.set(venue, refused);
      this.#earlyAt.set(venue, now);
      this.#early++;
      rest.refresh(venue);
    }
  }

  health(): MetadataHealth {
    const { venues, instrumentsMax } = this.#parts;
    const now = this.#now();
    const { version, instruments } = this.#dictionary;
    return {
      version,
      instruments: instruments.length,
      room: instrumentsMax - instruments.length,
      listedSecondsAgo: Object.fromEntries(
        venues.map(({ venue: { name } }) => {
          const at = this.#listedAt.get(name);
          return [name.toLowerCase(), at === undefined ? null : Math.floor((now - at) / 1_000)];
        }),
      ),
      changes: this.#changes,
      rescales: this.#rescales,
      early: this.#early,
    };
  }

  /** Nothing is changed any more; what is under way is not waited for. */
  close(): void {
    this.#closed = true;
  }

  async #take(venue: string, listed: readonly Listed[]): Promise<void> {
    const { stored, log } = this.#parts;
    // A listing of nothing is an exchange in trouble: not everything is gone at once.
    if (listed.length === 0) return log.incident('metadata', 'the exchange lists nothing', { venue });
    this.#listedAt.set(venue, this.#now());
    const { instruments } = this.#dictionary;
    const kept = this.#kept(venue, listed);
    const wanted = enrolled(instruments, kept, venue);
    if (wanted.instruments === instruments) return;
    const finer = wanted.changed.flatMap(({ before, after }) => finerOf(before, after) ?? []);
    const bySymbol = new Map(instruments.map((one) => [one.symbol, one]));
    const plain = kept.map((one) => withDecimalsOf(bySymbol.get(one.symbol), one));
    const next = enrolled(instruments, plain, venue);
    const refreshed = await stored.refresh(venue, plain, finer);
    if (this.#closed) return;
    if (refreshed.instruments !== next.instruments.length)
      throw new Error(`${refreshed.instruments} instruments are stored, ${next.instruments.length} known`);
    if (next.instruments !== instruments) {
      this.#adopt(next.instruments);
      log.info('the exchange lists other symbols', {
        venue,
        version: this.#dictionary.version,
        new: next.added.map(({ symbol }) => symbol).join(', '),
        changed: next.changed.map(({ after }) => after.symbol).join(', '),
        gone: next.gone.map(({ symbol }) => symbol).join(', '),
      });
    }
    for (const one of finer) {
      if (!refreshed.noRoom.includes(one.id)) await this.#rescale(one);
      else
        log.incident('metadata', 'finer ticks are left out: what is stored of the symbol would pass 2^53', {
          symbol: instruments[one.id - 1]?.symbol,
        });
    }
  }

  /** What of a listing is ours: as at the start, those that are known already, and new ones as long as there is room. */
  #kept(venue: string, listed: readonly Listed[]): Listed[] {
    const { venues, instrumentsMax, log } = this.#parts;
    const settings = venues.find((one) => one.venue.name === venue);
    const core = new Set(settings?.core.map(({ native }) => native));
    const { instruments } = this.#dictionary;
    const known = new Set(instruments.map(({ symbol }) => symbol));
    let room = instrumentsMax - instruments.length;
    let left = 0;
    // What is always taken comes before what somebody might want.
    const ordered = listed.toSorted((a, b) => Number(core.has(b.native)) - Number(core.has(a.native)));
    const kept = ordered.filter(({ symbol, native, active }) => {
      if (known.has(symbol)) return true;
      const isOurs = core.has(native) || (settings?.anySymbol === true && active);
      if (isOurs && room-- > 0) return true;
      if (isOurs) left++;
      return false;
    });
    if (left > 0 && !this.#isFull) {
      this.#isFull = true;
      log.warn('no room for more symbols: a restart makes room', { venue, leftOut: left });
    }
    return kept;
  }

  async #rescale({ id, prices, sizes }: Finer): Promise<void> {
    const { stored, log } = this.#parts;
    if (this.#closed) return;
    const { instruments } = this.#dictionary;
    const before = instruments[id - 1]!;
    const after = {
      ...before,
      priceDecimals: before.priceDecimals + prices,
      sizeDecimals: before.sizeDecimals + sizes,
    };
    const done = stored.rescaled(id, rescaleMs);
    this.#adopt(instruments.with(id - 1, after));
    this.#rescales++;
    const facts = { symbol: after.symbol, version: this.#dictionary.version };
    const { priceDecimals, sizeDecimals } = after;
    log.info('the exchange has finer ticks or lots', { ...facts, priceDecimals, sizeDecimals });
    if (!(await done) && !this.#closed)
      log.incident('metadata', 'the stores have not come to the new decimals yet', facts);
  }

  #adopt(instruments: readonly Instrument[]): void {
    const { epoch, version } = this.#dictionary;
    this.#dictionary = { epoch, version: version + 1, instruments };
    this.#changes++;
    this.#parts.line.adopt(this.#dictionary);
    for (const tell of this.#parts.told) tell(this.#dictionary);
  }
}

function finerOf(before: Instrument, after: Instrument): Finer | undefined {
  const prices = after.priceDecimals - before.priceDecimals;
  const sizes = after.sizeDecimals - before.sizeDecimals;
  return prices === 0 && sizes === 0 ? undefined : { id: after.id, prices, sizes };
}

function withDecimalsOf(known: Instrument | undefined, one: Listed): Listed {
  if (known === undefined) return one;
  return { ...one, priceDecimals: known.priceDecimals, sizeDecimals: known.sizeDecimals };
}
