/** The records of ticker, bar, Enigma and gap blocks as objects: one record a block (`proto/frames.md`). */
import { levelMax } from '../market/enigma.ts';
import { resolutions } from '../market/resolution.ts';
import type { Bar, Enigma, GapNotice, Ticker } from '../market/tick.ts';
import { barFlag, blockKind } from './block.ts';
import { channelCount } from './block-message.ts';
import type { FrameReader } from './decode.ts';
import { checked } from './decode-bytes.ts';
import { FrameFault } from './decode-fault.ts';

/** A bar as it travels: with whether it replaces one sent as closed, and the time of its last trade (µs). */
export interface BarUpdate extends Bar {
  readonly corrected: boolean;
  readonly lastTime: number;
}

/** A stream is live, stale, or (a book) waits for its snapshot. */
export interface StreamStatus {
  readonly instrument: number;
  /** `channel` of block-message.ts. */
  readonly channel: number;
  readonly state: 'live' | 'stale' | 'syncing';
  /** µs since 1970. */
  readonly since: number;
  readonly time: number;
}

const streamStates = ['live', 'stale', 'syncing'] as const;
const barFlagsKnown = barFlag.closed | barFlag.corrected | barFlag.incomplete;
const microsPerSecond = 1_000_000;

export function readTicker(reader: FrameReader): Ticker {
  const last = reader.varuint();
  const open = checked(last + reader.varint());
  const high = checked(last + reader.varint());
  const low = checked(last - reader.varuint());
  const volume = reader.amount();
  const quoteVolume = reader.amount();
  const count = reader.varuint();
  reader.finish();
  return {
    instrument: reader.instrument,
    time: reader.time,
    last,
    open,
    high,
    low,
    volume,
    quoteVolume,
    count,
  };
}

/** Undefined when its resolution or a flag is unknown: the block is then skipped. */
export function readBar(reader: FrameReader): BarUpdate | undefined {
  const resolution = reader.u8();
  const flags = reader.u8();
  if (resolution >= resolutions.length || flags > barFlagsKnown) {
    reader.skip();
    return undefined;
  }
  const openTime = checked(reader.cursor * microsPerSecond);
  const revision = reader.varuint();
  const open = reader.varuint();
  const high = checked(open + reader.varuint());
  const low = checked(open - reader.varuint());
  const close = checked(open + reader.varint());
  const volume = reader.amount();
  const quoteVolume = reader.amount();
  const count = reader.varuint();
  const takerBuyVolume = reader.amount();
  const takerBuyQuoteVolume = reader.amount();
  const firstId = reader.varuint();
  const lastId = checked(firstId + reader.varuint());
  reader.finish();
  return {
    instrument: reader.instrument,
    resolution,
    openTime,
    open,
    high,
    low,
    close,
    volume,
    quoteVolume,
    takerBuyVolume,
    takerBuyQuoteVolume,
    count,
    firstId,
    lastId,
    revision,
    closed: (flags & barFlag.closed) !== 0,
    corrected: (flags & barFlag.corrected) !== 0,
    incomplete: (flags & barFlag.incomplete) !== 0,
    lastTime: reader.time,
  };
}

export function readEnigma(reader: FrameReader): Enigma {
  const level = reader.varuint();
  if (level > levelMax) throw new FrameFault('bad-number', `level ${level}`);
  const price = reader.varuint();
  const ath = reader.varuint();
  const atl = reader.varuint();
  const athTime = checked(reader.varuint() * microsPerSecond);
  const atlTime = checked(reader.varuint() * microsPerSecond);
  reader.finish();
  return { instrument: reader.instrument, time: reader.time, price, level, ath, athTime, atl, atlTime };
}

/** Of a gap, repaired or lost block. */
export function readGap(reader: FrameReader): GapNotice {
  const to = checked(reader.cursor + reader.varuint());
  reader.finish();
  const state =
    reader.kind === blockKind.gap ? 'gap' : reader.kind === blockKind.repaired ? 'repaired' : 'lost';
  return { instrument: reader.instrument, state, from: reader.cursor, to, time: reader.time };
}

/** Undefined when its channel or state is unknown: the block is then skipped. */
export function readStatus(reader: FrameReader): StreamStatus | undefined {
  const channel = reader.u8();
  const state = streamStates[reader.u8()];
  if (channel >= channelCount || state === undefined) {
    reader.skip();
    return undefined;
  }
  const since = checked(reader.time - reader.varint());
  reader.finish();
  return { instrument: reader.instrument, channel, state, since, time: reader.time };
}
