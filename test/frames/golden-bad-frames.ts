/** Frames that a decoder must refuse, each with the reason. */
import type { FrameFaultReason } from '../../src/wire/decode-fault.ts';
import { block, type GoldenFrame, oneTrade, sound, timeBase } from './golden-block.ts';
import { encodeFrame, type ObviousBlock, resealed, varuint } from './obvious-encoder.ts';

const most = Number.MAX_SAFE_INTEGER;

function badFrame(name: string, fault: FrameFaultReason, bytes: Uint8Array): GoldenFrame {
  return { name, fault, bytes };
}
function bad(name: string, fault: FrameFaultReason, ...blocks: ObviousBlock[]): GoldenFrame {
  return { ...sound(name, ...blocks), fault };
}
/** A frame of one trade in which one byte is another, and the CRC fits. */
function changed(at: number, to: number): Uint8Array {
  const bytes = sound('', block(1, 1, oneTrade)).bytes.slice();
  bytes[at] = to;
  return resealed(bytes);
}

const damaged = sound('', block(1, 1, oneTrade)).bytes.slice();
damaged[20]! ^= 4;
/** 2^53, one more than a varuint may be. */
const tooLarge = [0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x10];
const largest = varuint(most);
const nineBytes = [0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0];
const limbTooLarge = [0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x40];

export const badFrames: readonly GoldenFrame[] = [
  badFrame('nothing', 'too-short', new Uint8Array(0)),
  badFrame(
    'one byte too few for a header',
    'too-short',
    encodeFrame({ dictionary: 1, timeBase, blocks: [] }).subarray(0, 15),
  ),
  badFrame('a bit flipped', 'bad-crc', damaged),
  badFrame('other magic', 'bad-magic', changed(5, 0x58)),
  badFrame('a later version', 'bad-version', changed(6, 3)),
  bad('a block passes the end of the frame', 'bad-length', block(1, 1, oneTrade, 8)),
  bad('an unknown block passes the end of the frame', 'bad-length', block(31, 1, [], 1)),
  bad('a block is cut off in its head', 'bad-length', { raw: [1, 1] }),
  bad('a number is cut off at the end of the frame', 'bad-length', { raw: [1, 0x80] }),
  bad('a number passes the end of its block', 'bad-length', block(1, 1, oneTrade, 6)),
  bad('records end before their block', 'bad-length', block(1, 1, [...oneTrade, 0])),
  bad('fewer records than the count says', 'bad-length', block(1, 1, [2, ...oneTrade.slice(1)])),
  bad('a name passes the end of its block', 'bad-length', block(12, 0, [1, 1, 0, 1, 1, 2, 5, 200, 65])),
  bad('an error text passes the end of its block', 'bad-length', block(16, 0, [1, 1, 0, 2, 65])),
  bad('no records', 'bad-number', block(1, 1, [0, 5, 0])),
  bad('513 records', 'bad-number', block(1, 1, [0x81, 4, 5, 0])),
  bad('two bars in a block', 'bad-number', block(4, 1, [2, 60, 0])),
  bad('a number of nine bytes', 'bad-number', block(1, 1, [1, ...nineBytes, 0, 2, 0, 2, 0])),
  bad('a number above 2^53 - 1', 'bad-number', block(1, 1, [1, ...tooLarge, 0, 2, 0, 2, 0])),
  bad('an instrument above 2^32 - 1', 'bad-number', {
    raw: [1, 0x80, 0x80, 0x80, 0x80, 0x10, 7, ...oneTrade],
  }),
  bad('an id above 2^53 - 1', 'bad-number', block(1, 1, [2, ...largest, 0, 2, 0, 2, 0, 14, 0])),
  bad('a negative price', 'bad-number', block(1, 1, [1, 5, 0, 2, 0, 1, 0])),
  bad('a time beyond 2^53 - 1 µs', 'bad-number', block(1, 1, [1, 5, ...largest, 2, 0, 2, 0])),
  bad(
    'a bar with a low below zero',
    'bad-number',
    block(4, 1, [1, 60, 0, 0, 0, 0, 5, 0, 6, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]),
  ),
  bad('a low limb of 2^48', 'bad-number', block(3, 1, [1, 5, 0, 5, 0, 0, 0, ...limbTooLarge, 0, 0, 0, 0])),
  bad('a level above 100 per cent', 'bad-number', block(5, 1, [1, 5, 0, 0xc1, 0x84, 0x3d, 0, 0, 0, 0, 0])),
  bad('a gap that ends above 2^53 - 1', 'bad-number', block(9, 1, [1, ...largest, 0, 1])),
  bad('two snapshots in a block', 'bad-number', block(6, 1, [2, 5, 0, 0, 0, 0])),
  bad('2,001 bids', 'bad-number', block(6, 1, [1, 5, 0, 0, ...varuint(2_001), 0])),
  bad('2,001 asks in a top', 'bad-number', block(17, 1, [1, 5, 0, 0, 0, ...varuint(2_001)])),
  bad('2,001 levels in a delta', 'bad-number', block(7, 1, [1, 5, 0, 0, 1, 0, ...varuint(2_001), 0])),
  bad('fewer bids than the count says', 'bad-length', block(6, 1, [1, 5, 0, 0, 2, 0, 9, 1])),
  bad('more levels than the count says', 'bad-length', block(7, 1, [1, 5, 0, 0, 1, 0, 1, 0, 18, 1, 0, 1])),
  bad('a bid twice', 'bad-number', block(6, 1, [1, 5, 0, 0, 2, 0, 9, 1, 0, 1])),
  bad('an ask twice', 'bad-number', block(17, 1, [1, 5, 0, 0, 0, 2, 18, 1, 0, 1])),
  bad('a bid below zero', 'bad-number', block(6, 1, [1, 5, 0, 0, 2, 0, 9, 1, 10, 1])),
  bad('an ask below zero', 'bad-number', block(6, 1, [1, 5, 0, 0, 1, 1, 9, 1, 19, 1])),
  bad('a change before the first', 'bad-number', block(7, 1, [1, 5, 0, 0, 6, 0, 0, 0])),
  bad('an ask of a delta below zero', 'bad-number', block(7, 1, [1, 5, 0, 0, 1, 0, 1, 1, 18, 1, 19, 1])),
  bad('a status of before 1970', 'bad-number', block(18, 1, [1, 5, 0, 14, 0, ...varuint(2 ** 53 - 2)])),
  bad('a status without a time', 'bad-length', block(18, 1, [1, 5, 0, 14, 0])),
];
