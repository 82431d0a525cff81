/**
 * The shards' threads: one long-running piscina task each. A shard that throws, exits, runs out of memory or stops
 * moving is ended and run again; it finds its state and its unread input in shared memory and goes on from there.
 */
import { Piscina } from 'piscina';
import { counterNames } from '../compute/shard-memory.ts';
import { ring } from '../wire/doorbell.ts';
import { TickReader } from '../wire/tick-ring.ts';
import { reportNames, type ShardOptions, shardControl } from './shard-options.ts';

export interface PoolOptions {
  /** File of the task: a module whose default export runs one shard to its end. */
  readonly filename: string;
  readonly shards: readonly ShardOptions[];
  /** A shard that has input and shows no pulse for so long (ms) is ended and run again. */
  readonly stuckMs: number;
  /** How long to wait before a shard that has just ended is run again (ms); doubles while it keeps ending at once. */
  readonly restartMs: number;
  readonly heapMegabytes?: number;
  readonly onRestart: (shard: number, reason: string, restarts: number) => void;
}

interface Life {
  readonly options: ShardOptions;
  readonly control: Int32Array;
  readonly input: TickReader;
  abort: AbortController;
  pulse: number;
  pulseAt: number;
  restarts: number;
  /** Set when the pool itself has ended the shard. */
  ended: string | undefined;
  /** Ended for good before it was done. */
  abandoned: boolean;
  /** Settled when no thread that the pool has ended can touch the shard's memory any longer. */
  gone: Promise<unknown>;
  done: Promise<void>;
}

const pulseEveryMs = 250;
const restartMsMax = 5_000;
/** A thread may take so long to start before it counts as stuck: on a busy machine it loads its code for a second. */
const beginMsMax = 30_000;
/** A shard that lived so long is well again. */
const healthyMs = 10_000;

export class ShardPool {
  readonly #options: PoolOptions;
  readonly #piscina: Piscina<ShardOptions, void>;
  readonly #lives: Life[];
  readonly #watch: NodeJS.Timeout;

  constructor(options: PoolOptions) {
    this.#options = options;
    const threads = options.shards.length;
    this.#piscina = new Piscina({
      filename: options.filename,
      minThreads: threads,
      maxThreads: threads,
      idleTimeout: Number.POSITIVE_INFINITY,
      ...(options.heapMegabytes === undefined
        ? {}
        : { resourceLimits: { maxOldGenerationSizeMb: options.heapMegabytes } }),
    });
    // A thread that dies between tasks says so here; the task's own promise tells what matters to us.
    this.#piscina.on('error', () => undefined);
    this.#lives = options.shards.map((shard) => this.#begin(shard));
    this.#watch = setInterval(() => this.#checkPulses(), pulseEveryMs);
    this.#watch.unref();
  }

  #begin(options: ShardOptions): Life {
    const life: Life = {
      options,
      control: new Int32Array(options.control),
      input: new TickReader(options.input),
      abort: new AbortController(),
      pulse: -1,
      pulseAt: performance.now(),
      restarts: 0,
      ended: undefined,
      abandoned: false,
      gone: Promise.resolve(),
      done: Promise.resolve(),
    };
    life.done = this.#live(life);
    return life;
  }

  /** Runs a shard until it stops because it was told to. */
  async #live(life: Life): Promise<void> {
    let waitMs = this.#options.restartMs;
    for (;;) {
      const began = performance.now();
      life.pulseAt = began;
      Atomics.store(life.control, shardControl.running, 0);
      life.ended = undefined;
      life.abort = new AbortController();
      let reason = 'it ended by itself';
      try {
        await this.#piscina.run(life.options, { signal: life.abort.signal });
        if (Atomics.load(life.control, shardControl.stop) === 1) return;
      } catch (error) {
        reason = life.ended ?? (error instanceof Error ? error.message : String(error));
      }
      // A thread told to end may run on for a moment: two lives must never write to the same rings.
      await life.gone;
      if (life.abandoned) return;
      life.restarts++;
      this.#options.onRestart(life.options.index, reason, life.restarts);
      if (performance.now() - began > healthyMs) waitMs = this.#options.restartMs;
      const wait = waitMs;
      await new Promise((resolve) => setTimeout(resolve, wait));
      waitMs = Math.min(waitMs * 2, restartMsMax);
    }
  }

  #checkPulses(): void {
    const now = performance.now();
    for (const life of this.#lives) {
      const pulse = Atomics.load(life.control, shardControl.pulse);
      if (pulse !== life.pulse || life.input.waiting === 0) {
        life.pulse = pulse;
        life.pulseAt = now;
      } else if (now - life.pulseAt > this.#patienceMs(life)) {
        this.end(life.options.index, `no pulse for ${Math.round(now - life.pulseAt)} ms`);
        life.pulseAt = now;
      }
    }
  }

  #patienceMs(life: Life): number {
    const { stuckMs } = this.#options;
    return Atomics.load(life.control, shardControl.running) === 1 ? stuckMs : Math.max(stuckMs, beginMsMax);
  }

  /** Ends a shard's thread at once, wherever it is; it is then run again. */
  end(shard: number, reason: string): void {
    const life = this.#lives[shard];
    if (life === undefined) throw new RangeError(`shard ${shard} of ${this.#lives.length}`);
    life.ended = reason;
    const threads = this.#piscina.threads;
    life.abort.abort();
    const left = new Set(this.#piscina.threads);
    const ending = threads.filter((thread) => !left.has(thread));
    life.gone = Promise.all([
      life.gone,
      ...ending.map((thread) => new Promise((resolve) => thread.once('exit', resolve))),
    ]);
  }

  /** What a shard counted, by name; `restarts` and `waiting` (records in its ring) besides. */
  report(shard: number): Record<string, number> {
    const life = this.#lives[shard]!;
    const words = new Float64Array(life.options.report);
    const counts: Record<string, number> = {};
    for (const [index, name] of [...counterNames, ...reportNames].entries()) counts[name] = words[index]!;
    return { ...counts, restarts: life.restarts, waiting: life.input.waiting };
  }

  /**
   * Lets every shard take what is in its ring, then end; one that dies meanwhile is run again until it is done. Where a
   * sink takes nothing any more, a shard could wait for ever: after `patienceMs` it is ended as it is.
   * @returns one sentence for each shard that was ended so
   */
  async close(patienceMs = 15_000): Promise<string[]> {
    for (const life of this.#lives) {
      Atomics.store(life.control, shardControl.stop, 1);
      ring(new Int32Array(life.options.bell));
    }
    const late = setTimeout(() => this.#giveUp(), patienceMs);
    await Promise.all(this.#lives.map((life) => life.done));
    clearTimeout(late);
    clearInterval(this.#watch);
    await this.#piscina.close({ force: true });
    return this.#lives
      .filter((life) => life.abandoned)
      .map((life) => `shard ${life.options.index} was ended with ${life.input.waiting} records in its ring`);
  }

  #giveUp(): void {
    for (const life of this.#lives) {
      if (Atomics.load(life.control, shardControl.running) === 0) continue;
      life.abandoned = true;
      this.end(life.options.index, 'it could not hand over what it has');
    }
  }
}
