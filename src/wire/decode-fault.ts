/** What is wrong with a frame: a closed list, the same in every decoder (`proto/frames.md`). */

export const frameFaultReasons = [
  'too-short',
  'too-long',
  'bad-crc',
  'bad-magic',
  'bad-version',
  'bad-length',
  'bad-number',
] as const;
export type FrameFaultReason = (typeof frameFaultReasons)[number];

/** A frame that cannot be trusted. Its receiver should count it and ask for fresh snapshots. */
export class FrameFault extends Error {
  override readonly name = 'FrameFault';
  readonly reason: FrameFaultReason;

  constructor(reason: FrameFaultReason, detail: string) {
    super(`${reason}: ${detail}`);
    this.reason = reason;
  }
}
