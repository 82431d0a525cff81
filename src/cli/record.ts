/** `tickwire record`: what the exchanges really send, into files that `tickwire replay` and `demo --recording` play. */
import { mkdirSync } from 'node:fs';
import type { Config } from '../config/load.ts';
import { LiveClock } from '../feeds/live-clock.ts';
import { Recorder } from '../feeds/recorder.ts';
import { type RecordingDisk, recordingDefaults } from '../feeds/recording-files.ts';
import { steadyTimers } from '../feeds/timers.ts';
import { restDefaults } from '../feeds/venue-rest.ts';
import type { MarketClock } from '../market/clock.ts';
import { Directory } from '../market/directory.ts';
import type { Instrument } from '../market/instrument.ts';
import type { Log } from '../telemetry/log.ts';
import { type Listed, listedOf, pause, reasonOf, venueRest } from '../threads/listing.ts';
import type { VenueSettings } from '../threads/venues.ts';
import { UsageFault } from './arguments.ts';
import type { TextOutput } from './backfill-progress.ts';
import type { RecordArguments } from './record-options.ts';
import { type RecordPlan, recordPlan } from './record-plan.ts';
import { type RecordedLine, RecordProgress, summaryOf } from './record-progress.ts';
import { Shutdown } from './shutdown.ts';

/** What the command has of the world; tests give their own. */
export interface RecordWorld {
  readonly out: TextOutput;
  readonly progress: TextOutput;
  readonly signal: AbortSignal;
  readonly open?: (path: string) => Promise<RecordingDisk>;
  readonly queueBytes?: number;
}

const listingRetryMs = 2_000;
const checkMs = 1_000;

/**
 * Resolves at a signal, or when the time is over. @throws UsageFault when something cannot be done; sets exit code 1
 * when lines could not be written
 */
export async function runRecord(
  args: RecordArguments,
  config: Config,
  log: Log,
  given: Partial<RecordWorld> = {},
): Promise<void> {
  const plan = recordPlan(args, config);
  const world: RecordWorld = {
    out: process.stdout,
    progress: process.stderr,
    ...given,
    signal: given.signal ?? new Shutdown().signal,
  };
  makeFolder(plan.folder);
  const listed = await listAll(plan, world.signal, log);
  if (listed === undefined) return;
  const clock = new LiveClock();
  const checking = setInterval(() => clock.check(), checkMs);
  const lines = plan.venues.flatMap((settings): RecordedLine[] => {
    const instruments = listed
      .filter(({ venue }) => venue === settings.venue.name)
      .map((one, index) => ({ ...one, id: index + 1 }));
    if (instruments.length === 0) return [];
    return [{ settings, recorder: recorderOf({ settings, instruments, plan, config, clock, world, log }) }];
  });
  for (const { recorder } of lines) recorder.start();
  const progress = new RecordProgress(world.progress, lines);
  await Promise.race([
    ended(world.signal),
    ...(plan.forMs === undefined ? [] : [pause(plan.forMs, world.signal)]),
  ]);
  progress.stop();
  await Promise.all(lines.map(({ recorder }) => recorder.close()));
  clearInterval(checking);
  for (const line of lines) world.out.write(summaryOf(line));
  if (lines.some(({ recorder }) => recorder.health().files.unwritten > 0)) process.exitCode = 1;
}

/** Told before anything is asked of an exchange. */
function makeFolder(folder: string): void {
  try {
    mkdirSync(folder, { recursive: true });
  } catch (error) {
    throw new UsageFault(
      `the folder ${folder} cannot be made: ${reasonOf(error)}; name another one with --out`,
      {
        cause: error,
      },
    );
  }
}

/** The instruments to record, of all venues; undefined when the end was asked for before they were known. */
async function listAll(
  plan: RecordPlan,
  signal: AbortSignal,
  log: Log,
): Promise<readonly Listed[] | undefined> {
  const lists = await Promise.all(plan.venues.map((settings) => listVenue(settings, signal, log)));
  if (signal.aborted) return undefined;
  if (plan.symbols === undefined)
    return plan.venues.flatMap((settings, index) =>
      listedOf(lists[index]!, { ...settings, anySymbol: false }, log),
    );
  const instruments = lists.flat().map((one, index) => ({ ...one, id: index + 1 }));
  const directory = new Directory({ epoch: 0, version: 1, instruments });
  return plan.symbols.map((text) => {
    const found = directory.resolve(text);
    if ('instrument' in found) return found.instrument;
    const meant = found.candidates.join(', ');
    if (found.reason === 'ambiguous') throw new UsageFault(`"${text}" may mean ${meant}`);
    throw new UsageFault(`no venue lists "${text}"${meant === '' ? '' : `; did you mean ${meant}?`}`);
  });
}

/** Asks until the venue answers. */
async function listVenue(settings: VenueSettings, signal: AbortSignal, log: Log): Promise<Listed[]> {
  const rest = venueRest(settings, signal);
  while (!signal.aborted) {
    try {
      return await rest.instruments();
    } catch (error) {
      if (signal.aborted) break;
      const facts = { venue: settings.venue.name, endpoint: settings.restUrl, error: reasonOf(error) };
      log.warn('nothing is recorded yet: the exchange does not list its instruments', facts);
      await pause(listingRetryMs, signal);
    }
  }
  return [];
}

interface RecorderParts {
  readonly settings: VenueSettings;
  readonly instruments: readonly Instrument[];
  readonly plan: RecordPlan;
  readonly config: Config;
  readonly clock: MarketClock;
  readonly world: RecordWorld;
  readonly log: Log;
}

function recorderOf({ settings, instruments, plan, config, clock, world, log }: RecorderParts): Recorder {
  const { venue, core } = settings;
  const tradesBy = new Map(core.map(({ native, trades }) => [native, trades]));
  const { folder, rotateMs, rotateBytes } = plan;
  return new Recorder({
    feed: {
      venue,
      instruments,
      wsUrl: settings.wsUrl,
      tradesOf: ({ native }) => tradesBy.get(native) ?? settings.trades,
      bookOf: () => settings.book,
      bookLevels: config.books.levels,
      micros: settings.micros,
      ...(settings.keys === undefined ? {} : { keys: settings.keys }),
      plausible: {
        around: 'receipt',
        pastMicros: config.exchange.pastTolerance * 1_000,
        futureMicros: config.exchange.futureTolerance * 1_000,
      },
      clock,
      timers: steadyTimers,
      roll: Math.random,
      maxConnections: settings.maxConnections,
      venueLimits: settings.limits,
      limits: settings.connection,
      onTrouble: (_, words) => log.warn(words),
    },
    files: {
      folder,
      name: venue.name,
      ...(rotateMs === undefined ? {} : { rotateMs }),
      ...(rotateBytes === undefined ? {} : { rotateBytes }),
      queueBytes: world.queueBytes ?? recordingDefaults.queueBytes,
      timers: steadyTimers,
      wallMs: Date.now,
      ...(world.open === undefined ? {} : { open: world.open }),
      onTrouble: (error) => {
        if (error === undefined) log.warn('the disk takes the recording again');
        else
          log.error('the recording cannot be written: it waits, and then the sockets', {
            error: reasonOf(error),
          });
      },
    },
    books: {
      rest: (ask) =>
        venue.rest({
          ...restDefaults,
          baseUrl: settings.restUrl,
          timers: steadyTimers,
          budget: settings.budget,
          budgetMs: settings.budgetMs,
          signal: world.signal,
          fetch: ask,
        }),
      levels: config.books.levels,
      onTrouble: ({ symbol }, error) =>
        log.incident('book', 'no snapshot of the order book yet', { symbol, error: reasonOf(error) }),
    },
  });
}

function ended(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });
}
