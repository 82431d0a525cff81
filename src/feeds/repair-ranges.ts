/** Ids that are wanted: ranges that do not overlap, rising. */

export interface IdRange {
  readonly from: number;
  /** Included. */
  readonly to: number;
  /** Steady ms since when it is wanted. */
  readonly since: number;
}

export class IdRanges {
  #ranges: IdRange[] = [];
  #ids = 0;

  /** How many ids are wanted. */
  get ids(): number {
    return this.#ids;
  }

  get count(): number {
    return this.#ranges.length;
  }

  get first(): IdRange | undefined {
    return this.#ranges[0];
  }

  /** The last id wanted that is not above `id`, or undefined. */
  lastUpTo(id: number): number | undefined {
    const range = this.#ranges.findLast(({ from }) => from <= id);
    return range === undefined ? undefined : Math.min(range.to, id);
  }

  /** Takes in what is not wanted yet of `from` to `to`; how many ids that were. */
  add(from: number, to: number, since: number): number {
    const before = this.#ids;
    let next = from;
    const added: IdRange[] = [];
    for (const range of this.#ranges) {
      if (range.to < next) continue;
      if (range.from > to) break;
      if (range.from > next) added.push({ from: next, to: range.from - 1, since });
      next = range.to + 1;
    }
    if (next <= to) added.push({ from: next, to, since });
    for (const range of added) this.#ids += range.to - range.from + 1;
    this.#ranges = [...this.#ranges, ...added].toSorted((a, b) => a.from - b.from);
    return this.#ids - before;
  }

  /** Removes and gives all parts that lie within `low` to `high`. */
  takeWithin(low: number, high: number): IdRange[] {
    return this.#take(({ from, to, since }) => {
      const left: IdRange[] = [];
      if (to < low || from > high) return [undefined, [{ from, to, since }]];
      if (from < low) left.push({ from, to: low - 1, since });
      if (to > high) left.push({ from: high + 1, to, since });
      return [{ from: Math.max(from, low), to: Math.min(to, high), since }, left];
    });
  }

  /** Removes and gives all that were wanted at `since` (steady ms) or before. */
  takeSince(since: number): IdRange[] {
    return this.#take((range) => (range.since <= since ? [range, []] : [undefined, [range]]));
  }

  /** Since when the oldest is wanted; Infinity when none is. */
  get oldest(): number {
    return this.#ranges.reduce((least, { since }) => Math.min(least, since), Number.POSITIVE_INFINITY);
  }

  #take(
    split: (range: IdRange) => readonly [taken: IdRange | undefined, left: readonly IdRange[]],
  ): IdRange[] {
    const taken: IdRange[] = [];
    const kept: IdRange[] = [];
    for (const range of this.#ranges) {
      const [gone, left] = split(range);
      if (gone !== undefined) taken.push(gone);
      kept.push(...left);
    }
    this.#ranges = kept;
    for (const { from, to } of taken) this.#ids -= to - from + 1;
    return taken;
  }
}
