/** What the golden vectors are put together from. */
import type { FrameFaultReason } from '../../src/wire/decode-fault.ts';
import { encodeFrame, type ObviousBlock } from './obvious-encoder.ts';

export interface GoldenFrame {
  readonly name: string;
  readonly bytes: Uint8Array;
  readonly fault?: FrameFaultReason;
}

/** The recording of 2024-08-08 begins in it. */
export const timeBase = 1_643_335;

export function sound(name: string, ...blocks: ObviousBlock[]): GoldenFrame {
  return { name, bytes: encodeFrame({ dictionary: 7, timeBase, blocks }) };
}

/** The body of a block of one trade: count, cursor, time; flags, id, price, size. */
export const oneTrade = [1, 5, 123, 2, 0, 2, 0];
/** A block of these bytes; `length` may lie. */
export const block = (
  kind: number,
  instrument: number,
  body: readonly number[],
  length = body.length,
): ObviousBlock => ({
  raw: [kind, instrument, length, ...body],
});
