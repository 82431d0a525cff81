/** Tick records whose every field follows from their number, so that a torn, lost or doubled one shows. */
import { type TickRecords, tickFlag, tickKind, tickWords } from '../../src/wire/tick-record.ts';

export function signRecord(records: TickRecords, slot: number, number: number): void {
  const word = slot * tickWords;
  records.halves[word * 2] = tickKind.trade;
  records.halves[word * 2 + 1] = (Math.imul(number, 2_654_435_761) ^ number) >>> 0;
  for (let field = 1; field < tickWords; field++) records.words[word + field] = number * 64 + field;
}

/** @throws Error when the record in `slot` is not number `number`, whole. */
export function checkRecord(records: TickRecords, slot: number, number: number): void {
  const word = slot * tickWords;
  let sound = (records.halves[word * 2]! & ~tickFlag.flush) === tickKind.trade;
  sound &&= records.halves[word * 2 + 1] === (Math.imul(number, 2_654_435_761) ^ number) >>> 0;
  for (let field = 1; field < tickWords; field++)
    sound &&= records.words[word + field] === number * 64 + field;
  if (!sound)
    throw new Error(`record ${number}: ${records.words.subarray(word + 1, word + tickWords).join()}`);
}

/** The bytes of segment `number`: their length and content follow from it. */
export function signedSegment(number: number, longest: number): Uint8Array {
  const length = (Math.imul(number, 2_654_435_761) >>> 7) % (longest + 1);
  const bytes = new Uint8Array(length);
  for (let index = 0; index < length; index++) bytes[index] = (number + index * 7) & 255;
  return bytes;
}
