/** Plays the simulated market against the wall clock, to all venues. */
import { performance } from 'node:perf_hooks';
import { Chorus } from './chorus.ts';
import type { Dialect, Floor, VenueSource } from './dialect.ts';
import { Followers } from './followers.ts';
import { History } from './history.ts';
import { type Follow, Keeper, type KeeperOptions, type Resumed, resume } from './keeper.ts';
import { SimulatedMarket } from './market.ts';
import { PitView } from './pit-view.ts';
import { relist } from './relist.ts';
import { SimulatorFault } from './simulator-fault.ts';
import type { ListedSymbol, MarketCommand, Source } from './source.ts';
import { StateFile } from './state-file.ts';

/** One turn of the event loop makes as many orders as this at the most, so that sockets get their share. */
const arrivalsPerTurn = 4_096;
const waitMsMax = 100;

export interface LiveOptions extends KeeperOptions {
  /** Undefined: now. */
  readonly startTimeMs: number | undefined;
  readonly stateFile: string | undefined;
  /** Seconds of the market in one of the wall. */
  readonly speed: number;
}

interface Appointment {
  readonly afterUs: number;
  readonly act: () => void;
}

export class LiveMarket implements Source {
  readonly finished: Promise<void> = new Promise(() => {}); // a market has no end
  readonly #floors: readonly Floor[];
  readonly #market: SimulatedMarket;
  readonly #followers: Followers;
  readonly #keeper: Keeper | undefined;
  readonly #views: readonly PitView[];
  readonly #chorus: Chorus;
  readonly #speed: number;
  /** Whether the market begins where the wall clock is when it is started. */
  readonly #beginsNow: boolean;
  readonly #goesOn: boolean;
  /** Soonest first. */
  #appointments: readonly Appointment[] = [];
  #marketUs = 0;
  #wallMs = 0;
  #running = false;
  #timer: NodeJS.Timeout | NodeJS.Immediate | undefined;

  constructor(options: LiveOptions, floors: readonly Floor[]) {
    this.#floors = floors;
    this.#speed = options.speed;
    const startMs = options.startTimeMs ?? Date.now();
    const file = options.stateFile === undefined ? undefined : new StateFile(options.stateFile);
    const saved = file?.read();
    const { seed } = options;
    const follow: Follow = ({ pits }, genesisMs) =>
      new Followers(
        floors.flatMap((floor) => floor.dialect.satellites?.({ pits, floor, seed, genesisMs }) ?? []),
      );
    const begun =
      file !== undefined && saved !== undefined
        ? resume(file, saved, options, startMs * 1_000, follow)
        : fresh(options, startMs, follow);
    this.#market = begun.market;
    this.#followers = begun.followers;
    this.#goesOn = begun.replayed;
    this.#beginsNow = options.startTimeMs === undefined;
    this.#keeper = file === undefined ? undefined : new Keeper(file, options, begun);
    const { pits } = this.#market;
    this.#views = pits.map((pit) => new PitView(pit, new History(pit.instrument, seed, begun.genesisMs)));
    const series = this.#views.map((view) => view.series);
    const voices = floors.map((floor) =>
      floor.dialect.voice({ pits, series, floor, seed, genesisMs: begun.genesisMs }),
    );
    this.#chorus = new Chorus(voices, (ms) => this.#keeper?.second(ms));
  }

  nowMs(): number {
    const us = this.#running ? this.#dueUs() : this.#market.timeUs;
    return Math.max(us, this.#market.timeUs) / 1_000;
  }

  /** Where the market's time must be by now. */
  #dueUs(): number {
    return this.#marketUs + (performance.now() - this.#wallMs) * 1_000 * this.#speed;
  }

  at(dialect: Dialect): VenueSource {
    const listed = (): PitView[] => this.#views.filter(({ pit }) => pit.status !== 'GONE');
    const source: VenueSource = {
      get listing(): readonly ListedSymbol[] {
        return listed().map(({ instrument }) => {
          const { base, quote, tickSize, stepSize } = instrument;
          const symbol = dialect.symbolOf(instrument);
          return { symbol, base, quote, tickSize, stepSize, streams: dialect.streamTypes };
        });
      },
      nowMs: () => this.nowMs(),
      view: (symbol) => listed().find(({ instrument }) => dialect.symbolOf(instrument) === symbol),
    };
    return dialect.source?.(source) ?? source;
  }

  order(command: MarketCommand, dialect: Dialect): void {
    const view = this.#views.find(({ instrument }) => dialect.symbolOf(instrument) === command.symbol);
    if (view === undefined)
      throw new SimulatorFault(`There is no symbol ${command.symbol}; name one that is listed.`);
    if (this.#keeper !== undefined)
      throw new SimulatorFault('A market that is kept in a file lists what it has; leave `stateFile` away.');
    relist(command, view, this.#market);
    this.#chorus.relisted(view.pit);
  }

  schedule(afterMs: number, act: () => void): void {
    const made = [...this.#appointments, { afterUs: afterMs * 1_000, act }];
    this.#appointments = made.toSorted((left, right) => left.afterUs - right.afterUs);
  }

  start(): void {
    if (this.#running) return;
    this.#running = true;
    const nowUs = Date.now() * 1_000;
    this.#market.voice = this.#followers.voice;
    if (this.#beginsNow && this.#goesOn) this.#market.advance(nowUs, Infinity);
    else if (this.#beginsNow) this.#market.idleUntil(nowUs);
    this.#marketUs = this.#market.timeUs;
    this.#wallMs = performance.now();
    this.#market.voice = this.#chorus;
    this.#keeper?.start(!this.#goesOn);
    this.#turn();
  }

  close(): Promise<void> {
    this.#running = false;
    clearTimeout(this.#timer as NodeJS.Timeout);
    clearImmediate(this.#timer as NodeJS.Immediate);
    this.#keeper?.close();
    return Promise.resolve();
  }

  #turn(): void {
    if (!this.#running) return;
    const nowUs = this.#dueUs();
    const caughtUp = this.#advance(nowUs);
    for (const { switchboard } of this.#floors) switchboard.flush();
    if (!caughtUp) {
      this.#timer = setImmediate(() => this.#turn());
      return;
    }
    const waitMs = (this.#market.nextUs - nowUs) / 1_000 / this.#speed;
    this.#timer = setTimeout(() => this.#turn(), Math.min(waitMsMax, Math.max(1, Math.ceil(waitMs))));
  }

  /** As far as `nowUs`, or to the next appointment, which is kept at exactly its moment of market time. */
  #advance(nowUs: number): boolean {
    const next = this.#appointments[0];
    const dueUs = next === undefined ? Infinity : this.#marketUs + next.afterUs;
    if (next === undefined || dueUs > nowUs) return this.#market.advance(nowUs, arrivalsPerTurn);
    if (!this.#market.advance(dueUs, arrivalsPerTurn)) return false;
    this.#appointments = this.#appointments.slice(1);
    next.act();
    return false;
  }
}

function fresh(options: LiveOptions, startMs: number, follow: Follow): Resumed {
  const market = new SimulatedMarket({ ...options, startUs: startMs * 1_000 });
  const followers = follow(market, startMs);
  followers.restore({});
  return { market, followers, genesisMs: startMs, barsUntilMs: 0, replayed: false };
}
