/** The life of a shard on its thread: restore, take, commit, snapshot, sleep; until told to stop. */
import { counterNames } from '../compute/shard-memory.ts';
import { sleepUntilRung } from '../wire/doorbell.ts';
import { SegmentWriter } from '../wire/segment-ring.ts';
import { tickField, tickFlag, tickWords } from '../wire/tick-record.ts';
import { TickReader } from '../wire/tick-ring.ts';
import { type LatestTable, putLatest } from './latest-table.ts';
import { outputBytesMin, Shard } from './shard.ts';
import { type Outlet, report, reportNames, type ShardOptions, shardControl } from './shard-options.ts';
import { ShardSnapshots } from './shard-snapshots.ts';
import { requestBytesMin } from './shard-turn.ts';

/** How long a shard with nothing to do sleeps before it shows a pulse (ms). */
const sleepMs = 100;
/** A turn's outputs above this end it early. */
const outputBytesMost = 4 * 1024 * 1024;
const requestBytesMost = 1024 * 1024;

interface OpenOutlet {
  readonly ring: SegmentWriter;
  /** Turns up to this input position were committed by an earlier life. */
  committed: number | undefined;
}

export class ShardRun {
  readonly shard: Shard;
  readonly #options: ShardOptions;
  readonly #input: TickReader;
  readonly #control: Int32Array;
  readonly #bell: Int32Array;
  readonly #report: Float64Array;
  readonly #gateways: OpenOutlet[];
  readonly #sinks: OpenOutlet[];
  readonly #requests: OpenOutlet;
  readonly #snapshots: ShardSnapshots;
  readonly #latest: LatestTable;
  #position: number;
  /** Up to here an earlier life has already told everyone. */
  readonly #replayEnd: number;
  #snapshotAt: number;

  constructor(options: ShardOptions, latest: LatestTable) {
    this.#options = options;
    this.#latest = latest;
    this.#input = new TickReader(options.input);
    this.#control = new Int32Array(options.control);
    this.#bell = new Int32Array(options.bell);
    this.#report = new Float64Array(options.report);
    this.#gateways = options.gateways.map(openOutlet);
    this.#sinks = options.sinks.map(openOutlet);
    this.#requests = openOutlet(options.requests);
    this.#snapshots = new ShardSnapshots(options.estate);
    const { memory, books, position } = this.#snapshots.restore();
    this.#position = this.#snapshotAt = position;
    this.#replayEnd = [...this.#gateways, ...this.#sinks, this.#requests].reduce(
      (end, { committed }) => (committed !== undefined && ((committed - end) | 0) > 0 ? committed : end),
      position,
    );
    const outputBytes = Math.min(
      ...[...this.#gateways, ...this.#sinks].map((outlet) => outlet.ring.payloadMax),
      Math.max(outputBytesMost, outputBytesMin(memory.instruments)),
    );
    if (outputBytes < outputBytesMin(memory.instruments)) {
      throw new RangeError(
        `rings of ${outputBytes} bytes a turn; ${memory.instruments} instruments need ${outputBytesMin(memory.instruments)}`,
      );
    }
    const requestBytes = Math.min(this.#requests.ring.payloadMax, requestBytesMost);
    if (requestBytes < requestBytesMin) {
      throw new RangeError(
        `a ring of ${requestBytes} bytes of requests a turn; ${requestBytesMin} are needed`,
      );
    }
    if (options.rules.snapshotRecords > this.#input.capacity) {
      // Slots are freed by snapshots alone: the ring would fill before one is taken.
      throw new RangeError(
        `a snapshot each ${options.rules.snapshotRecords} records; the ring holds ${this.#input.capacity}`,
      );
    }
    this.shard = new Shard({
      index: options.index,
      shards: options.shards,
      memory,
      books,
      input: this.#input.records,
      inputSlots: this.#input.capacity,
      outputBytes,
      requestBytes,
      rules: options.rules,
    });
    this.shard.quotesConflated = this.#report[counterNames.length + report.quotesConflated]!;
  }

  /** Runs until the control word says stop and the input is empty. Blocks the thread. */
  run(): void {
    const control = this.#control;
    Atomics.store(control, shardControl.running, 1);
    for (;;) {
      Atomics.add(control, shardControl.pulse, 1);
      if (this.step()) continue;
      if (Atomics.load(control, shardControl.stop) === 1) break;
      sleepUntilRung(
        this.#bell,
        sleepMs,
        () => this.#input.tail === this.#position && Atomics.load(control, shardControl.stop) === 0,
      );
    }
    this.finish();
    Atomics.store(control, shardControl.running, 0);
  }

  /** Ends the run: what waited for market time goes out, and a last snapshot covers all. */
  finish(): void {
    this.shard.finish();
    this.#commit();
    this.#snapshot();
  }

  /** Takes all that is published; false when there was nothing. */
  step(): boolean {
    const tail = this.#input.tail;
    if (tail === this.#position) return false;
    const halves = this.#input.records.halves;
    const shard = this.shard;
    while (this.#position !== tail) {
      const slot = this.#input.slotOf(this.#position);
      if (!shard.fits(slot)) this.#commit();
      shard.take(slot);
      this.#position = (this.#position + 1) | 0;
      if ((halves[slot * tickWords * 2 + tickField.head]! & tickFlag.flush) !== 0) this.#commit();
    }
    return true;
  }

  /** Ends the turn: its segments go out, whole, under the number of the input position. */
  #commit(): void {
    const shard = this.shard;
    shard.finishTurn();
    for (const outlet of this.#sinks)
      this.#write(outlet, shard.rows.bytes, () => shard.rows.byteLength, false);
    for (const outlet of this.#gateways)
      this.#write(outlet, shard.blocks.bytes, () => shard.blocks.length, true);
    this.#ask();
    // An earlier life may have died between its last commit and this.
    if (((this.#position - this.#replayEnd) | 0) >= 0) putLatest(this.#latest, shard);
    shard.beginTurn();
    this.#input.take(this.#position);
    this.#report[counterNames.length + report.flushes]!++;
    if ((this.#position - this.#snapshotAt) >>> 0 >= this.#options.rules.snapshotRecords) this.#snapshot();
    this.#publishReport();
  }

  #write(outlet: OpenOutlet, bytes: Uint8Array, length: () => number, collapsible: boolean): void {
    if (length() === 0 || this.#isCommitted(outlet)) return;
    if (outlet.ring.write(bytes, length(), this.#position)) return;
    if (collapsible && !this.#options.rules.waitWhenFull) this.shard.collapseQuotes();
    while (!outlet.ring.write(bytes, length(), this.#position)) {
      this.#report[counterNames.length + report.waits]!++;
      Atomics.add(this.#control, shardControl.pulse, 1);
      outlet.ring.waitForRoom(sleepMs);
    }
  }

  /** Hands this turn's requests to the hub, or leaves them out: a hub that does not listen must not stop the market. */
  #ask(): void {
    const { requests } = this.shard;
    if (requests.byteLength === 0 || this.#isCommitted(this.#requests)) return;
    if (this.#requests.ring.write(requests.bytes, requests.byteLength, this.#position)) return;
    this.#report[counterNames.length + report.requestsDropped]! += requests.count;
  }

  /** True when an earlier life wrote this turn. */
  #isCommitted(outlet: OpenOutlet): boolean {
    if (outlet.committed === undefined) return false;
    if (((this.#position - outlet.committed) | 0) <= 0) return true;
    outlet.committed = undefined;
    return false;
  }

  #snapshot(): void {
    this.#snapshots.take(this.shard.memory, this.#position, this.shard.books);
    this.#snapshotAt = this.#position;
    this.#input.release(this.#position);
    this.#report[counterNames.length + report.snapshots]!++;
  }

  #publishReport(): void {
    for (let index = 0; index < counterNames.length; index++)
      this.#report[index] = this.shard.memory.counters[index]!;
    this.#report[counterNames.length + report.position] = this.#position >>> 0;
    this.#report[counterNames.length + report.quotesConflated] = this.shard.quotesConflated;
  }
}

function openOutlet(outlet: Outlet): OpenOutlet {
  const ring = new SegmentWriter(outlet.memory, new Int32Array(outlet.bell));
  return { ring, committed: ring.committed };
}

/** f64 words of a shard's report. */
export const reportLength = counterNames.length + reportNames.length;
