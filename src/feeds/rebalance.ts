/** Which streams go from a busy socket to a quiet one. Pure. */

export interface Load {
  /** Messages a second of all its streams. */
  readonly rate: number;
  readonly streams: ReadonlyMap<string, number>;
}

/** Differences below this (messages a second, and as a part) are not worth a move. */
const leastDifference = 20;
const leastPart = 0.25;

/**
 * The names of streams whose move brings the two rates nearest, `most` at most: each no larger than half of what is
 * left of the difference, so that no move turns it round and streams do not go to and fro.
 */
export function streamsToMove(busy: Load, quiet: Pick<Load, 'rate'>, most: number): string[] {
  const chosen: string[] = [];
  const byRate = [...busy.streams].toSorted(([, a], [, b]) => b - a);
  let from = busy.rate;
  let to = quiet.rate;
  for (const [name, rate] of byRate) {
    const difference = from - to;
    if (chosen.length === most || difference < leastDifference || difference < leastPart * from) break;
    if (rate <= 0 || rate > difference / 2) continue;
    chosen.push(name);
    from -= rate;
    to += rate;
  }
  return chosen;
}
