/** What was typed after `tickwire backfill`, checked. */
import { barOpen, type Resolution, resolutions } from '../market/resolution.ts';
import { UsageFault } from './arguments.ts';
import type { BackfillArguments } from './backfill-options.ts';

export type BackfillCommand =
  | { readonly name: 'list' }
  | { readonly name: 'pause' | 'resume'; readonly id: number }
  | {
      readonly name: 'add';
      /** As typed; undefined for all. */
      readonly symbols: readonly string[] | undefined;
      readonly resolution: number;
      /** µs: from ≤ open < to. */
      readonly from: number;
      readonly to: number;
      readonly replace: boolean;
    };

const dayMicros = 86_400_000_000;

/**
 * @param now µs since 1970
 * @throws UsageFault in one sentence
 */
export function readBackfill(given: BackfillArguments, now: number): BackfillCommand {
  const [word, id, ...rest] = given.words;
  if (word === undefined) return readAdd(given, now);
  if (word !== 'list' && word !== 'pause' && word !== 'resume')
    throw new UsageFault(`"backfill ${word}" is no command: list, pause ID, resume ID, or options alone`);
  const extra = word === 'list' ? id : rest[0];
  if (extra !== undefined) throw new UsageFault(`"${extra}" is one word too many after "backfill ${word}"`);
  if (word === 'list') return { name: 'list' };
  if (id === undefined || !/^[1-9]\d{0,14}$/.test(id))
    throw new UsageFault(`backfill ${word} takes the number of a job, as "tickwire backfill list" shows it`);
  return { name: word, id: Number(id) };
}

function readAdd(given: BackfillArguments, now: number): BackfillCommand {
  const { interval, days, from, to } = given;
  const symbols = (given.symbol ?? '').split(',').map((text) => text.trim());
  const named = symbols.filter((text) => text !== '');
  if (given.all === true ? named.length > 0 : named.length === 0)
    throw new UsageFault('backfill takes --symbol S[,S2 …] or --all');
  if (interval === undefined || !resolutions.includes(interval as Resolution))
    throw new UsageFault(`--interval takes one of ${resolutions.join(', ')}`);
  const resolution = resolutions.indexOf(interval as Resolution);
  if ((days === undefined) === (from === undefined))
    throw new UsageFault('backfill takes either --days N or --from DAY [--to DAY]');
  if (days !== undefined && to !== undefined) throw new UsageFault('--to belongs to --from, not to --days');
  const end = barOpen(resolution, to === undefined ? now : Math.min(now, timeOf('to', to)));
  const begin = barOpen(resolution, days === undefined ? timeOf('from', from!) : now - daysOf(days));
  if (begin >= end)
    throw new UsageFault(`there is no ${interval} candle between ${textOf(begin)} and ${textOf(end)}`);
  return {
    name: 'add',
    symbols: given.all === true ? undefined : [...new Set(named)],
    resolution,
    from: begin,
    to: end,
    replace: given.replace === true,
  };
}

function daysOf(text: string): number {
  const days = Number(text);
  if (!(days > 0 && days <= 20_000))
    throw new UsageFault(`--days takes a number from 0 to 20000, not "${text}"`);
  return Math.round(days * dayMicros);
}

/** µs; without a zone it is UTC. */
function timeOf(option: string, text: string): number {
  const isUtcTime = /^\d{4}-\d{2}-\d{2}T[\d:.]+$/.test(text);
  const isTime = /^\d{4}-\d{2}-\d{2}(T.*)?$/.test(text) && isDay(text.slice(0, 10));
  const millis = isTime ? Date.parse(isUtcTime ? `${text}Z` : text) : Number.NaN;
  if (!(millis >= 0))
    throw new UsageFault(
      `--${option} takes a day or time such as 2024-08-08 or 2024-08-08T12:00:00Z, not "${text}"`,
    );
  return millis * 1_000;
}

/** Whether the calendar has it: `Date` takes 31 February for 3 March. */
function isDay(text: string): boolean {
  const date = new Date(`${text}T00:00:00Z`);
  return Number.isFinite(date.getTime()) && date.toISOString().startsWith(text);
}

/** A time (µs) as people write it: `2024-08-08 12:00`, the clock left out at midnight. UTC. */
export function textOf(micros: number): string {
  const text = new Date(micros / 1_000).toISOString();
  return text.slice(11, 19) === '00:00:00' ? text.slice(0, 10) : text.slice(0, 19).replace('T', ' ');
}
