/**
 * What is known of missing trade ids, as ranges that never overlap: the rule by which a notice changes them. Pure; the
 * stores read the ranges that a notice touches and write what comes back.
 */
import type { GapRange } from '../market/history.ts';
import type { GapNotice } from '../market/tick.ts';

export const gapStates = ['gap', 'repaired', 'lost'] as const satisfies readonly GapNotice['state'][];

/** Times (µs) of the stored trades before and after the ids from `from` to `to`. */
export type TimesAround = (from: number, to: number, usual: number) => readonly [number, number];

/**
 * `gap` opens ids that no range has yet (so a notice that comes again changes nothing); `repaired` closes open and lost
 * ones; `lost` closes open ones, and new ones at once.
 * @param touched ranges that overlap the notice or lie next to it, rising
 * @returns what takes their place, rising; undefined when nothing changes
 */
export function rangesAfter(
  touched: readonly GapRange[],
  notice: Pick<GapNotice, 'state' | 'from' | 'to' | 'time'>,
  timesAround: TimesAround,
): GapRange[] | undefined {
  const { state, time } = notice;
  const parts: GapRange[] = [];
  let changed = false;
  const part = (from: number, to: number, of: Pick<GapRange, 'state' | 'opened' | 'closed'>): void => {
    if (from > to) return;
    const [fromTime, toTime] = timesAround(from, to, time);
    parts.push({ from, to, state: of.state, opened: of.opened, closed: of.closed, fromTime, toTime });
  };
  const unknown = (from: number, to: number): void => {
    if (from > to || state === 'repaired') return;
    changed = true;
    part(from, to, { state, opened: time, closed: state === 'lost' ? time : 0 });
  };
  let next = notice.from;
  for (const range of touched) {
    const from = Math.max(range.from, notice.from);
    const to = Math.min(range.to, notice.to);
    if (from > to) {
      parts.push(range);
      continue;
    }
    unknown(next, from - 1);
    next = to + 1;
    if (!mayBecome(range.state, state)) {
      parts.push(range);
      continue;
    }
    changed = true;
    part(range.from, from - 1, range);
    part(from, to, { state, opened: range.opened, closed: time });
    part(to + 1, range.to, range);
  }
  unknown(next, notice.to);
  return changed ? merged(parts.toSorted((a, b) => a.from - b.from)) : undefined;
}

function mayBecome(from: GapRange['state'], to: GapRange['state']): boolean {
  return from === 'gap' ? to !== 'gap' : from === 'lost' && to === 'repaired';
}

/** Neighbours of one opening that ended alike become one: a gap that is repaired trade by trade stays one range. */
function merged(parts: readonly GapRange[]): GapRange[] {
  const out: GapRange[] = [];
  for (const part of parts) {
    const last = out.at(-1);
    if (last?.state === part.state && last.opened === part.opened && last.to + 1 === part.from) {
      out[out.length - 1] = {
        ...last,
        to: part.to,
        closed: Math.max(last.closed, part.closed),
        toTime: part.toTime,
      };
    } else out.push(part);
  }
  return out;
}

/** Whether a bar from `open` up to `next` may lack trades of the range: `lost` ones are lacking for ever. */
export function isLacking(range: GapRange, open: number, next: number): boolean {
  return range.state !== 'repaired' && open <= range.toTime && range.fromTime < next;
}

/**
 * The times whose bars are judged when a completion comes: its own, and those of the repaired ranges that it touches,
 * because a bar beside them may have waited for it.
 */
export function judgedTimes(
  from: number,
  to: number,
  ranges: readonly GapRange[],
): readonly [from: number, to: number] {
  let [first, last] = [from, to];
  for (const range of ranges) {
    if (range.state !== 'repaired' || range.fromTime > to || range.toTime < from) continue;
    first = Math.min(first, range.fromTime);
    last = Math.max(last, range.toTime);
  }
  return [first, last];
}
