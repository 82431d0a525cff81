/**
 * The thread that asks the venues over HTTP, all of it, so that each venue has one limiter: repairs of gaps, snapshots of
 * order books, daily candles for highs and lows, listings, backfill. Its answers are tick records for the hub and rows
 * for the stores.
 */
import { join } from 'node:path';
import { parentPort, workerData } from 'node:worker_threads';
import type { Config } from '../config/load.ts';
import { LiveClock } from '../feeds/live-clock.ts';
import { Repair } from '../feeds/repair.ts';
import { steadyTimers } from '../feeds/timers.ts';
import type { VenueRest } from '../feeds/venue-rest.ts';
import type { Dictionary, Instrument } from '../market/instrument.ts';
import { BackfillJobs } from '../stores/backfill-jobs.ts';
import { WriterControl } from '../stores/writer-control.ts';
import { openLog } from '../telemetry/log.ts';
import { SegmentWriter } from '../wire/segment-ring.ts';
import { type TickRecords, tickBytes } from '../wire/tick-record.ts';
import { BackfillRunner } from './backfill-runner.ts';
import { RingCandles } from './candle-store.ts';
import { DailyExtremes } from './daily-extremes.ts';
import { type Listed, pause, reasonOf, venueRest } from './listing.ts';
import { type ListedStream, type VenueSettings, venueSettings } from './venues.ts';

export interface RestThreadData {
  readonly config: Config;
  readonly core?: readonly ListedStream[];
  readonly dictionary: Dictionary;
  /** Row ring to the stores, and its bell. */
  readonly rows: SharedArrayBuffer;
  readonly rowBell: SharedArrayBuffer;
  readonly writerControl: SharedArrayBuffer;
  /** A recording is played: nothing is asked that belongs to the present. */
  readonly replay: boolean;
}

export type RestCommand =
  | { readonly kind: 'gap'; readonly instrument: number; readonly from: number; readonly to: number }
  | { readonly kind: 'book'; readonly instrument: number; readonly reason: number }
  | { readonly kind: 'forget-book'; readonly instrument: number }
  | { readonly kind: 'watched'; readonly instrument: number; readonly watched: boolean }
  /** Another version of the dictionary. */
  | { readonly kind: 'dictionary'; readonly dictionary: Dictionary }
  /** The venue is to be asked for its symbols now. */
  | { readonly kind: 'refresh'; readonly venue: string }
  | { readonly kind: 'close' };

export type RestHealth = Readonly<Record<string, unknown>>;

export type RestReport =
  | { readonly kind: 'ready' }
  /** `version`: of the dictionary by whose decimals they are counted. */
  | {
      readonly kind: 'records';
      readonly memory: ArrayBuffer;
      readonly count: number;
      readonly version: number;
    }
  | { readonly kind: 'listed'; readonly venue: string; readonly listed: readonly Listed[] }
  /** `rows`: given to the stores so far. */
  | { readonly kind: 'health'; readonly venues: RestHealth; readonly rows: number };

const healthEveryMs = 1_000;
/** How often a venue is asked for its symbols of which none is known yet. */
const lateMs = 10_000;

interface VenueDesk {
  readonly settings: VenueSettings;
  readonly rest: VenueRest;
  readonly repair: Repair;
}

const data = workerData as RestThreadData;
const { config, core, rows, rowBell, writerControl, replay } = data;
let { dictionary } = data;
const closing = new AbortController();
const { signal } = closing;
const log = openLog(config.log);
const clock = new LiveClock();
const nap = (ms: number): Promise<void> => pause(ms, signal);
const ring = new SegmentWriter(rows, new Int32Array(rowBell));
const candles = new RingCandles(ring, new WriterControl(writerControl), signal);
const desks = venueSettings(config, core).map(deskOf);
const deskByVenue = new Map(desks.map((desk) => [desk.settings.venue.name, desk]));
const deskOfInstrument = (id: number): VenueDesk | undefined =>
  deskByVenue.get(dictionary.instruments[id - 1]?.venue ?? '');

parentPort?.on('message', (command: RestCommand) => {
  if (command.kind === 'close') void close();
  else if (command.kind === 'dictionary') adopt(command.dictionary);
  else if (command.kind === 'refresh') void list(command.venue);
  else {
    const repair = deskOfInstrument(command.instrument)?.repair;
    if (command.kind === 'gap') repair?.gap(command.instrument, command.from, command.to);
    else if (command.kind === 'book') repair?.bookRequest(command.instrument, command.reason);
    else if (command.kind === 'forget-book') repair?.forgetBook(command.instrument);
    else watch(command.instrument, command.watched);
  }
});
const health = setInterval(() => {
  clock.check();
  tell({ kind: 'health', venues: healthOf(), rows: candles.rows });
}, healthEveryMs);
const watched = new Set<number>();
const instrumentOf = (id: number): Instrument | undefined => dictionary.instruments[id - 1];
const work = [...desks.map(takeExtremes), ...(replay ? [] : [backfill(), ...desks.map(refresh)])];
tell({ kind: 'ready' });

function tell(report: RestReport, transfer: ArrayBuffer[] = []): void {
  parentPort?.postMessage(report, transfer);
}

/** The books of instruments that somebody watches come first. */
function watch(instrument: number, isWatched: boolean): void {
  if (isWatched) watched.add(instrument);
  else watched.delete(instrument);
  deskOfInstrument(instrument)?.repair.watch(watched);
}

/** Records leave as a copy: the hub's thread owns it then. */
function give(records: TickRecords, count: number): void {
  const memory = records.words.buffer.slice(0, count * tickBytes) as ArrayBuffer;
  tell({ kind: 'records', memory, count, version: dictionary.version }, [memory]);
}

/** What was fetched for instruments with other decimals is thrown away on its way; their highs and lows are asked for again. */
function adopt(next: Dictionary): void {
  const before = dictionary;
  dictionary = next;
  const again = next.instruments.filter(({ id, priceDecimals, sizeDecimals, active }) => {
    const old = before.instruments[id - 1];
    if (old === undefined) return active;
    return old.priceDecimals !== priceDecimals || old.sizeDecimals !== sizeDecimals;
  });
  if (again.length === 0) return;
  for (const desk of desks)
    work.push(
      extremesOf(
        desk,
        coreOf(desk).filter((one) => again.includes(one)),
      ),
    );
}

function deskOf(settings: VenueSettings): VenueDesk {
  const rest = venueRest(settings, signal);
  const tradesBy = new Map(settings.core.map(({ native, trades }) => [native, trades]));
  const repair = new Repair({
    rest,
    instrumentOf: (id) => dictionary.instruments[id - 1],
    tradesOf: ({ native }: Instrument) => tradesBy.get(native) ?? settings.trades,
    sink: give,
    timers: steadyTimers,
    clock,
    limits: {
      idsMax: config.repair.idsMax,
      attemptsMax: config.repair.attempts,
      timeMaxMs: config.repair.giveUpAfter,
      bookLevels: config.books.levels,
      watchedLevels: config.books.levels,
      otherLevels: config.books.unwatchedLevels,
    },
  });
  return { settings, rest, repair };
}

/** Highs and lows of the venue's daily candles, for the Enigma level; and the candles themselves, for charts. */
async function takeExtremes(desk: VenueDesk): Promise<void> {
  await extremesOf(desk, coreOf(desk));
}

function coreOf({ settings }: VenueDesk): Instrument[] {
  const natives = new Set(settings.core.map(({ native }) => native));
  return dictionary.instruments.filter(
    ({ venue, native }) => venue === settings.venue.name && natives.has(native),
  );
}

async function extremesOf({ rest }: VenueDesk, instruments: readonly Instrument[]): Promise<void> {
  const parts = { rest, give, candles, log, signal, pause: nap, instrumentOf };
  await new DailyExtremes(parts).take(instruments.map(({ id }) => id));
}

/** Asks for the venue's listing again and again: new symbols, tick and lot sizes, status. */
async function refresh({ settings }: VenueDesk): Promise<void> {
  for (;;) {
    // A venue that did not answer at the start is waited for.
    const isKnown = dictionary.instruments.some(({ venue }) => venue === settings.venue.name);
    await nap(isKnown ? config.demand.refreshEvery : Math.min(lateMs, config.demand.refreshEvery));
    if (signal.aborted) return;
    await list(settings.venue.name);
  }
}

async function list(venue: string): Promise<void> {
  const rest = deskByVenue.get(venue)?.rest;
  if (rest === undefined || replay) return;
  try {
    tell({ kind: 'listed', venue, listed: await rest.instruments() });
  } catch (error) {
    const facts = { venue, error: reasonOf(error) };
    if (!signal.aborted) log.incident('refresh', 'the exchange does not list its instruments', facts);
  }
}

/** Jobs that `tickwire backfill` has put into the folder. */
async function backfill(): Promise<void> {
  const jobs = new BackfillJobs(join(config.dataDir, 'jobs.db'));
  const runner = new BackfillRunner({
    jobs,
    sourceOf: (symbol) => {
      const instrument = dictionary.instruments.find((one) => one.symbol === symbol);
      const rest = instrument === undefined ? undefined : deskByVenue.get(instrument.venue)?.rest;
      return instrument === undefined || rest === undefined ? undefined : { instrument, rest };
    },
    store: candles.store,
    now: () => clock.now(),
    pause,
    signal,
    roll: Math.random,
    onTrouble: ({ symbol }, reason) => log.incident('backfill', 'a backfill job waits', { symbol, reason }),
  });
  try {
    await runner.run();
  } finally {
    jobs.close();
  }
}

function healthOf(): RestHealth {
  return Object.fromEntries(
    desks.map(({ settings, repair }) => [settings.venue.name.toLowerCase(), repair.health()]),
  );
}

async function close(): Promise<void> {
  closing.abort();
  clearInterval(health);
  for (const { repair } of desks) repair.close();
  await Promise.allSettled(work);
  log.close();
  // What is left are sockets that HTTP keeps for a while.
  process.exit(0);
}
