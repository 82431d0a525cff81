/**
 * Checks that no trade is lost silently: the venue's trade ids of each instrument must rise by one. Where they do
 * not, a gap notice must say so; what nobody announced is a jump.
 */
import type { GapNotice } from '../market/tick.ts';
import { tradeFlag } from '../wire/block.ts';
import type { TradeBatch } from '../wire/decode-batch.ts';

/** Trade ids that neither came nor were announced as missing: `from` to `to`, both included. */
export interface TradeJump {
  readonly instrument: number;
  readonly from: number;
  readonly to: number;
}

interface Stream {
  last: number;
  /** Ranges that were announced as missing and lie past the ids judged so far. */
  announced: { from: number; to: number }[];
}

/** Unjudged notices and jumps are few; a broken server must not make them many. */
const pendingMax = 1_024;

export class TradeCursors {
  /** Trades that came a second time. */
  repeated = 0;
  readonly #streams = new Map<number, Stream>();
  #jumps: TradeJump[] = [];

  /** The last trade id of an instrument; undefined before its first trade. */
  last(instrument: number): number | undefined {
    return this.#streams.get(instrument)?.last;
  }

  trades(batch: TradeBatch): void {
    const { instrument, count, id: ids, flags, snapshot } = batch;
    const stream = this.#streams.get(instrument) ?? this.#begin(instrument, ids[0]! - 1);
    let { last } = stream;
    for (let i = 0; i < count; i++) {
      const id = ids[i]!;
      if (id === last + 1) last = id;
      else if ((flags[i]! & tradeFlag.late) !== 0) continue;
      else if (id > last) {
        this.#jumped(instrument, last + 1, id - 1);
        last = id;
      } else if (!snapshot) this.repeated++;
    }
    stream.last = last;
  }

  gap(notice: GapNotice): void {
    const stream = this.#streams.get(notice.instrument);
    if (stream === undefined) return;
    stream.announced.push({ from: notice.from, to: notice.to });
    if (stream.announced.length > pendingMax) stream.announced.shift();
    // The ids up to a gap's end are accounted for, if there is nothing else between.
    if (notice.state === 'gap' && notice.from === stream.last + 1) stream.last = notice.to;
  }

  /** The server says that `cursor` was the last trade sent: a tail that never came shows here. */
  reached(instrument: number, cursor: number): void {
    const stream = this.#streams.get(instrument);
    if (stream === undefined || cursor <= stream.last) return;
    this.#jumped(instrument, stream.last + 1, cursor);
    stream.last = cursor;
  }

  /** What was missed and not announced, once a whole frame is read: its notice may stand after the trades. */
  judge(): TradeJump[] {
    if (this.#jumps.length === 0) return this.#jumps;
    const jumps = this.#jumps.flatMap((jump) =>
      unannounced(jump, this.#streams.get(jump.instrument)?.announced ?? []),
    );
    for (const { instrument } of this.#jumps) {
      const stream = this.#streams.get(instrument);
      if (stream !== undefined) stream.announced = stream.announced.filter(({ to }) => to > stream.last);
    }
    this.#jumps = [];
    return jumps;
  }

  /** The instrument is no longer followed. */
  forget(instrument: number): void {
    this.#streams.delete(instrument);
  }

  /** Goes on after trade `last` of an instrument, as a former connection left it. */
  resume(instrument: number, last: number): void {
    this.#begin(instrument, last);
  }

  /** Forgets all; returns where each instrument stood. */
  clear(): [instrument: number, last: number][] {
    const stood = [...this.#streams].map(([instrument, { last }]): [number, number] => [instrument, last]);
    this.#streams.clear();
    return stood;
  }

  #begin(instrument: number, last: number): Stream {
    const stream: Stream = { last, announced: [] };
    this.#streams.set(instrument, stream);
    return stream;
  }

  #jumped(instrument: number, from: number, to: number): void {
    if (this.#jumps.length < pendingMax) this.#jumps.push({ instrument, from, to });
  }
}

/** The parts of a jump that no notice covers. */
function unannounced(jump: TradeJump, announced: readonly { from: number; to: number }[]): TradeJump[] {
  const parts: TradeJump[] = [];
  let { from } = jump;
  for (const range of announced.toSorted((a, b) => a.from - b.from)) {
    if (range.to < from || range.from > jump.to) continue;
    if (range.from > from) parts.push({ ...jump, from, to: range.from - 1 });
    from = range.to + 1;
  }
  if (from <= jump.to) parts.push({ ...jump, from });
  return parts;
}
