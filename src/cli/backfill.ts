/** `tickwire backfill`: the exchange's candles of the past into the stores, as jobs that can be paused and resumed. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { Config } from '../config/load.ts';
import { enrolled, type Listed } from '../market/enrolment.ts';
import type { Instrument } from '../market/instrument.ts';
import { type BackfillJob, BackfillJobs } from '../stores/backfill-jobs.ts';
import { instrumentsOf } from '../stores/sqlite-instruments.ts';
import { openMarketDatabase, openMarketReader } from '../stores/sqlite-schema.ts';
import type { Log } from '../telemetry/log.ts';
import { BackfillRunner } from '../threads/backfill-runner.ts';
import { directCandles } from '../threads/candle-store.ts';
import { pause, reasonOf } from '../threads/listing.ts';
import { UsageFault } from './arguments.ts';
import { type BackfillCommand, readBackfill } from './backfill-arguments.ts';
import { FolderShare } from './backfill-folder.ts';
import type { BackfillArguments } from './backfill-options.ts';
import { BackfillProgress, jobsTable, resultText, type TextOutput } from './backfill-progress.ts';
import { BackfillSources, resolveTraded } from './backfill-sources.ts';
import { Shutdown } from './shutdown.ts';
import { type VenueRests, venueRests } from './venue-access.ts';

/** What the command has of the world; tests give their own. */
export interface BackfillWorld {
  readonly out: TextOutput;
  readonly progress: TextOutput;
  readonly signal: AbortSignal;
  readonly rests: (signal: AbortSignal) => VenueRests;
  /** µs since 1970. */
  readonly now: () => number;
  /** How often the folder's lock is asked for while another process has it. */
  readonly lockEveryMs: number;
}

type Addition = Extract<BackfillCommand, { name: 'add' }>;

const followEveryMs = 250;
const lockEveryMs = 2_000;

/**
 * Resolves when the jobs have ended, or at a signal: what is left then goes on in the server, or with `resume`.
 * @throws UsageFault when something cannot be done; sets exit code 1 when a job failed
 */
export async function runBackfill(
  args: BackfillArguments,
  config: Config,
  log: Log,
  given: Partial<BackfillWorld> = {},
): Promise<void> {
  const world: BackfillWorld = {
    out: process.stdout,
    progress: process.stderr,
    signal: given.signal ?? new Shutdown().signal,
    rests: (signal) => venueRests(config, signal),
    now: () => Date.now() * 1_000,
    lockEveryMs,
    ...given,
  };
  const command = readBackfill(args, world.now());
  const share = new FolderShare(config.dataDir);
  let jobs: BackfillJobs | undefined;
  try {
    jobs = new BackfillJobs(join(config.dataDir, 'jobs.db'));
    const failed = await new Backfill(config, log, world, jobs, share).run(command);
    if (failed) process.exitCode = 1;
  } finally {
    jobs?.close();
    share.release();
  }
}

class Backfill {
  readonly #file: string;
  readonly #log: Log;
  readonly #world: BackfillWorld;
  readonly #jobs: BackfillJobs;
  readonly #share: FolderShare;
  readonly #progress: BackfillProgress;

  constructor(config: Config, log: Log, world: BackfillWorld, jobs: BackfillJobs, share: FolderShare) {
    this.#file = join(config.dataDir, 'market.db');
    this.#log = log;
    this.#world = world;
    this.#jobs = jobs;
    this.#share = share;
    this.#progress = new BackfillProgress(world.progress, () => performance.now());
  }

  /** @returns whether a job failed */
  async run(command: BackfillCommand): Promise<boolean> {
    const { out } = this.#world;
    if (command.name === 'add') return this.#addAndRun(command);
    if (command.name === 'list') {
      out.write(jobsTable(this.#jobs.list()));
      return false;
    }
    const { id } = command;
    const job = known(command.name === 'pause' ? this.#jobs.pause(id) : this.#jobs.resume(id), id);
    if (command.name === 'resume' && job.state !== 'done')
      return this.#share.isAlone ? this.#runHere([id]) : this.#follow([id]);
    out.write(`job ${id} is ${job.state}\n`);
    return false;
  }

  #known(): Instrument[] {
    if (!existsSync(this.#file)) return [];
    const db = openMarketReader(this.#file);
    try {
      return instrumentsOf(db);
    } finally {
      db.close();
    }
  }

  /** @throws UsageFault for a symbol that has no candles of a venue, or may mean several */
  #resolve({ symbols }: Addition, instruments: readonly Instrument[], rests: VenueRests): Instrument[] {
    if (symbols !== undefined) return resolveTraded(symbols, instruments);
    const all = instruments.filter(({ active, venue }) => active && rests.has(venue));
    if (all.length === 0)
      throw new UsageFault(
        'no symbol is known yet: run "tickwire symbols refresh", or name some with --symbol',
      );
    return all;
  }

  #add({ resolution, from, to, replace }: Addition, instruments: readonly Instrument[]): number[] {
    return instruments.map(({ symbol }) => this.#jobs.add({ symbol, resolution, from, to, replace }).id);
  }

  async #addAndRun(command: Addition): Promise<boolean> {
    const rests = this.#world.rests(this.#world.signal);
    const before = this.#known();
    const isAll = command.symbols === undefined;
    const found = await this.#listings(rests, isAll ? before : undefined);
    // All that are known, not all that are listed.
    const names = new Set(before.map(({ symbol }) => symbol));
    const listed = isAll ? found.filter(({ symbol }) => names.has(symbol)) : found;
    const wanted = this.#resolve(command, enrolled(before, listed).instruments, rests);
    const ids = this.#add(command, wanted);
    return this.#share.isAlone ? this.#runHere(ids, { rests, listed }) : this.#follow(ids);
  }

  /**
   * What the venues list now, for new symbols and new decimals; of a venue that does not answer, nothing.
   * @param of only venues of these
   */
  async #listings(rests: VenueRests, of: readonly Instrument[] | undefined): Promise<Listed[]> {
    const wanted = [...rests].filter(([venue]) => of?.some((one) => one.venue === venue) ?? true);
    const lists = await Promise.all(
      wanted.map(async ([venue, rest]) => {
        try {
          return await rest.instruments();
        } catch (error) {
          if (!this.#world.signal.aborted)
            this.#log.warn('the exchange does not list its instruments: going on with those that are known', {
              venue,
              error: reasonOf(error),
            });
          return [];
        }
      }),
    );
    return lists.flat();
  }

  /** Without a server: this process writes the market's file. Other jobs that wait are run as well. */
  async #runHere(
    ids: readonly number[],
    had?: { readonly rests: VenueRests; readonly listed: readonly Listed[] },
  ): Promise<boolean> {
    const { signal, now } = this.#world;
    const rests = had?.rests ?? this.#world.rests(signal);
    const listed = had?.listed ?? (await this.#listings(rests, undefined));
    const wanted = new Set([
      ...ids.map((id) => this.#jobs.get(id)!.symbol),
      ...this.#jobs
        .list()
        .filter(isAlive)
        .map(({ symbol }) => symbol),
    ]);
    const db = openMarketDatabase(this.#file);
    try {
      const sources = new BackfillSources(db, rests, listed, wanted);
      const runner = new BackfillRunner({
        jobs: this.#jobs,
        sourceOf: (symbol) => sources.sourceOf(symbol),
        store: directCandles(sources.writer, db),
        now,
        pause,
        signal,
        roll: Math.random,
        onPage: (job) => this.#told(job, ids),
        onTrouble: ({ id }) => this.#told(this.#jobs.get(id)!, ids),
      });
      await runner.drain();
    } finally {
      db.close();
    }
    return this.#results(ids);
  }

  #told(job: BackfillJob, ids: readonly number[]): void {
    const others = ids.filter((id) => id !== job.id && isAlive(this.#jobs.get(id)!)).length;
    this.#progress.show(job, others);
  }

  /** Another Tickwire has the folder: it does the work, this process only looks; once that one is gone, it works itself. */
  async #follow(ids: readonly number[]): Promise<boolean> {
    const { signal } = this.#world;
    this.#progress.say(
      `another Tickwire has this data folder and takes over ${ids.length === 1 ? `job ${ids[0]}` : `${ids.length} jobs`}`,
    );
    let asked = performance.now();
    while (!signal.aborted) {
      const alive = ids.map((id) => this.#jobs.get(id)!).filter(isAlive);
      if (alive.length === 0) break;
      const shown = alive.find(({ state }) => state === 'running') ?? alive[0]!;
      this.#progress.show(shown, alive.length - 1);
      await pause(Math.min(followEveryMs, this.#world.lockEveryMs), signal);
      if (signal.aborted || performance.now() - asked < this.#world.lockEveryMs) continue;
      if (this.#share.takeOver()) {
        this.#progress.say('the other Tickwire is gone: this one goes on');
        return this.#runHere(ids);
      }
      asked = performance.now();
    }
    return this.#results(ids);
  }

  #results(ids: readonly number[]): boolean {
    const jobs = ids.map((id) => this.#jobs.get(id)!);
    const over = jobs.filter((job) => !isAlive(job));
    for (const job of over) this.#progress.say(resultText(job));
    const alive = jobs.length - over.length;
    if (alive > 0)
      this.#progress.say(
        `${alive} ${alive === 1 ? 'job is' : 'jobs are'} not done: a server on this data folder goes on with them, and so does "tickwire backfill resume ID"`,
      );
    return jobs.some(({ state }) => state === 'failed');
  }
}

function isAlive({ state }: BackfillJob): boolean {
  return state === 'queued' || state === 'running';
}

/** @throws UsageFault when there is no such job */
function known(job: BackfillJob | undefined, id: number): BackfillJob {
  if (job === undefined) throw new UsageFault(`there is no job ${id}; "tickwire backfill list" shows them`);
  return job;
}
