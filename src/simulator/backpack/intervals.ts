/** Bar intervals by this venue's names: a month is written out, so that it is no minute. */
import { type Interval, intervals } from '../interval.ts';

export const klineNames: ReadonlyMap<string, Interval> = new Map(
  intervals.map((name) => [name === '1M' ? '1month' : name, name]),
);
