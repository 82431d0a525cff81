/** The far end of the pipeline bench: joins blocks into sealed v2 frames, as a gateway does for one client of everything. */
import { workerData } from 'node:worker_threads';
import { crc32 } from 'node:zlib';
import { blockKind, frameBytesMax, frameHeader } from '../src/wire/block.ts';
import { BlockMessages } from '../src/wire/block-message.ts';
import { sleepUntilRung } from '../src/wire/doorbell.ts';
import { beginFrame, sealFrame } from '../src/wire/frame-v2.ts';
import { SegmentReader } from '../src/wire/segment-ring.ts';

const { rings, bell, arrived } = workerData as {
  rings: SharedArrayBuffer[];
  bell: SharedArrayBuffer;
  arrived: Float64Array;
};
const readers = rings.map((memory) => new SegmentReader(memory));
const messages = new BlockMessages();
const frame = new Uint8Array(frameBytesMax);
let end: number = frameHeader.blocks;
let base = 0;
let ticks = 0;

function send(): void {
  if (end === frameHeader.blocks) return;
  beginFrame(frame, 1, base);
  sealFrame(frame, end, (bytes, from, to) => crc32(bytes.subarray(from, to)));
  arrived[1]! += end;
  end = frameHeader.blocks;
}

function take(bytes: Uint8Array, from: number, to: number): void {
  messages.open(bytes, from, to);
  while (messages.next()) {
    const length = messages.to - messages.from;
    if (messages.timeBase !== base || end + length > frameBytesMax) {
      send();
      base = messages.timeBase;
    }
    frame.set(bytes.subarray(messages.from, messages.to), end);
    if (messages.kind === blockKind.trade || messages.kind === blockKind.quote) ticks += countIn(frame, end);
    end += length;
  }
  send();
}

/** The count that the block itself states: after its kind, instrument and length. */
function countIn(bytes: Uint8Array, at: number): number {
  let index = at + 1;
  for (let numbers = 0; numbers < 2; numbers++) while (bytes[index++]! >= 128);
  const low = bytes[index]!;
  return low < 128 ? low : (low & 127) + bytes[index + 1]! * 128;
}

for (;;) {
  let read = 0;
  for (const reader of readers) read += reader.read(take);
  arrived[0] = ticks;
  if (read === 0)
    sleepUntilRung(new Int32Array(bell), 100, () => readers.every((reader) => reader.used === 0));
}
