/**
 * Carries a simulated market over from one run to the next.
 *
 * After a short absence the market is run again from its last checkpoint, silently, through what it had sent already
 * and on to the present: an exchange does not stop when our process does, and every trade of that time can be asked
 * for over REST; the symbols of the other venues go with it. Where that is not possible (other options, too long an
 * absence, no checkpoint), ids skip ahead by what would have been traded, and a margin, and prices go on where they
 * were.
 */

import { Followers } from './followers.ts';
import { minuteMs } from './interval.ts';
import { SimulatedMarket } from './market.ts';
import type { Pit } from './pit.ts';
import { SimulatorFault } from './simulator-fault.ts';
import { barLine, type Checkpoint, type SavedState, type StateFile } from './state-file.ts';

const saveMs = 250;
const skipMargin = 10_000;
/** As many messages of the first venue are caught up with at the most: a few seconds of work. */
const caughtUpMax = 1_500_000;
/** As many finished bars wait for a file that cannot be written: about 2 MB. Beyond it the oldest go. */
export const unsavedBarsMax = 20_000;

export interface KeeperOptions {
  readonly seed: number;
  readonly symbols: number;
  readonly ticksPerSecond: number;
  readonly bookLevels?: number;
}

export class Keeper {
  readonly #file: StateFile;
  readonly #options: KeeperOptions;
  readonly #market: SimulatedMarket;
  readonly #followers: Followers;
  /** Of all venues. */
  readonly #pits: readonly Pit[];
  readonly #genesisMs: number;
  readonly #warn: (sentence: string) => void;
  /** Checkpoints of this minute and the one before: the older is saved, so that REST has a minute to repair from. */
  #checkpoints: string[];
  #checkpointDue = false;
  /** Lines of finished bars, oldest first. */
  #unsavedBars: string[] = [];
  #barsUntilMs: number;
  #timer: NodeJS.Timeout | undefined;
  /** True from the first write that failed to the next that did not. */
  #outage = false;
  #droppedBars = 0;

  /** `warn` hears one sentence when an outage begins and one when it is over. */
  constructor(file: StateFile, options: KeeperOptions, resumed: Resumed, warn = warnOnStderr) {
    this.#file = file;
    this.#options = options;
    this.#market = resumed.market;
    this.#followers = resumed.followers;
    this.#pits = allPits(resumed);
    this.#genesisMs = resumed.genesisMs;
    this.#barsUntilMs = resumed.barsUntilMs;
    this.#checkpoints = resumed.checkpoint === undefined ? [] : [resumed.checkpoint];
    this.#warn = warn;
  }

  /**
   * `afresh`: no checkpoint of earlier runs leads to where the market is.
   * A path that cannot be written at the start is a SimulatorFault; later it is an outage, and the market goes on.
   */
  start(afresh: boolean): void {
    if (afresh) this.#checkpoint();
    this.#write();
    this.#timer = setInterval(() => this.save(), saveMs);
  }

  /** Called at each second of market time. */
  second(ms: number): void {
    if (ms % minuteMs !== 0) return;
    this.#checkpoint();
    for (const { instrument, tape } of this.#pits) {
      for (let i = tape.findMinute(this.#barsUntilMs); i < tape.minutes.length; i++) {
        const bar = tape.minutes[i]!;
        if (bar.openMs < ms) this.#unsavedBars.push(barLine(instrument.symbol, bar));
      }
    }
    this.#barsUntilMs = ms;
    this.save();
  }

  /** Never throws for a file that cannot be written: what waits is bounded, and the next save tries again. */
  save(): void {
    try {
      this.#write();
    } catch (error) {
      if (!(error instanceof SimulatorFault)) throw error;
      this.#fail(error);
      return;
    }
    if (!this.#outage) return;
    this.#outage = false;
    this.#warn(`The simulator state is saved again; ${this.#droppedBars} minute bars were dropped.`);
    this.#droppedBars = 0;
  }

  close(): void {
    if (this.#timer === undefined) return;
    clearInterval(this.#timer);
    this.#timer = undefined;
    this.save();
    if (!this.#outage) return;
    const lost = this.#droppedBars + this.#unsavedBars.length;
    this.#warn(`The simulator closes with its state not saved; ${lost} minute bars were dropped.`);
  }

  #checkpoint(): void {
    this.#checkpoints = [...this.#checkpoints.slice(-1), checkpointText(this.#market, this.#followers)];
    this.#checkpointDue = true;
  }

  /** Ids first, they must never come twice; the checkpoint last, as bars before it cannot be made again. */
  #write(): void {
    const last: SavedState['last'] = {};
    for (const { instrument, tradeId, aggregateId, updateId, bids } of this.#pits) {
      last[instrument.symbol] = [tradeId, aggregateId, updateId, bids.best];
    }
    const { seed, symbols, ticksPerSecond } = this.#options;
    const { timeUs } = this.#market;
    this.#file.write({ seed, symbols, ticksPerSecond, genesisMs: this.#genesisMs, timeUs, last });
    this.#file.appendBars(this.#unsavedBars.join(''));
    this.#unsavedBars = [];
    if (!this.#checkpointDue) return;
    this.#file.writeCheckpoint(this.#checkpoints[0]!);
    this.#checkpointDue = false;
  }

  #fail(fault: SimulatorFault): void {
    const over = this.#unsavedBars.length - unsavedBarsMax;
    if (over > 0) this.#droppedBars += this.#unsavedBars.splice(0, over).length;
    if (this.#outage) return;
    this.#outage = true;
    const code = (fault.cause as NodeJS.ErrnoException | undefined)?.code ?? 'unknown error';
    this.#warn(
      `The simulator state is not saved until ${this.#file.path} and the files beside it can be written (${code}).`,
    );
  }
}

function warnOnStderr(sentence: string): void {
  process.stderr.write(`${sentence}\n`);
}

export interface Resumed {
  readonly market: SimulatedMarket;
  readonly followers: Followers;
  readonly genesisMs: number;
  readonly barsUntilMs: number;
  /** True when the market was run again from its checkpoint, and every trade since then is known. */
  readonly replayed: boolean;
  /** What it was run again from, as JSON. */
  readonly checkpoint?: string;
}

/** Makes the symbols of the other venues, which follow this market. */
export type Follow = (market: SimulatedMarket, genesisMs: number) => Followers;

/** Brings a market to where the saved one was, and on to `nowUs`. */
export function resume(
  file: StateFile,
  saved: SavedState,
  options: KeeperOptions,
  nowUs: number,
  follow: Follow = () => new Followers([]),
): Resumed {
  return replayed(file, saved, options, nowUs, follow) ?? skipped(file, saved, options, nowUs, follow);
}

function replayed(
  file: StateFile,
  saved: SavedState,
  options: KeeperOptions,
  nowUs: number,
  follow: Follow,
): Resumed | undefined {
  const checkpoint = file.readCheckpoint();
  if (checkpoint === undefined || !replayable(saved, options, checkpoint.timeUs, nowUs)) return undefined;
  const { genesisMs } = saved;
  const market = new SimulatedMarket({ ...options, startUs: checkpoint.timeUs });
  if (market.pits.length !== checkpoint.pits.length) return undefined;
  const barsUntilMs = Math.floor(checkpoint.timeUs / 1_000 / minuteMs) * minuteMs;
  const followers = follow(market, genesisMs);
  file.readBars(allPits({ market, followers }), barsUntilMs);
  market.restore(checkpoint);
  followers.restore(checkpoint.satellites);
  const text = checkpointText(market, followers);
  market.voice = followers.voice;
  market.advance(saved.timeUs, Infinity);
  const known = followers.pits.filter(({ instrument }) => instrument.symbol in checkpoint.satellites);
  if (!agree([...market.pits, ...known], saved)) return undefined;
  market.advance(nowUs, Infinity);
  market.voice = undefined;
  return { market, followers, genesisMs, barsUntilMs, replayed: true, checkpoint: text };
}

function allPits({ market, followers }: Pick<Resumed, 'market' | 'followers'>): Pit[] {
  return [...market.pits, ...followers.pits];
}

function checkpointText(market: SimulatedMarket, followers: Followers): string {
  const checkpoint: Checkpoint = { ...market.state(), satellites: followers.state() };
  return JSON.stringify(checkpoint);
}

function replayable(saved: SavedState, options: KeeperOptions, fromUs: number, nowUs: number): boolean {
  const { seed, symbols, ticksPerSecond } = options;
  const same = saved.seed === seed && saved.symbols === symbols && saved.ticksPerSecond === ticksPerSecond;
  return same && fromUs <= saved.timeUs && ((nowUs - fromUs) / 1e6) * ticksPerSecond <= caughtUpMax;
}

function agree(pits: readonly Pit[], saved: SavedState): boolean {
  return pits.every(({ instrument, tradeId, updateId }) => {
    const known = saved.last[instrument.symbol];
    return known !== undefined && known[0] === tradeId && known[2] === updateId;
  });
}

function skipped(
  file: StateFile,
  saved: SavedState,
  options: KeeperOptions,
  nowUs: number,
  follow: Follow,
): Resumed {
  const startUs = Math.max(nowUs, saved.timeUs);
  const market = new SimulatedMarket({ ...options, startUs });
  const barsUntilMs = Math.floor(saved.timeUs / 1_000 / minuteMs) * minuteMs;
  const followers = follow(market, saved.genesisMs);
  file.readBars(allPits({ market, followers }), barsUntilMs);
  const rate = Math.max(saved.ticksPerSecond, options.ticksPerSecond);
  const skip = Math.ceil(((startUs - saved.timeUs) / 1e6) * rate) + skipMargin;
  for (const pit of market.pits) {
    const known = saved.last[pit.instrument.symbol];
    if (known === undefined) continue;
    market.goOn(pit, known[0] + skip, known[1] + skip, known[2] + 4 * skip, known[3]);
  }
  const next: Record<string, [trade: number, update: number]> = {};
  for (const [symbol, [trade, , update]] of Object.entries(saved.last)) {
    next[symbol] = [trade + skip, update + 4 * skip];
  }
  followers.goOn(next);
  return { market, followers, genesisMs: saved.genesisMs, barsUntilMs, replayed: false };
}
