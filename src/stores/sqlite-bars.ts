/** How a bar goes into the market's file, whoever made it. */
import { barBit, barWord } from '../market/bar-words.ts';

const columns = [
  'symbol_id',
  'resolution',
  'open_time',
  'open',
  'high',
  'low',
  'close',
  'volume',
  'volume_high',
  'quote_volume',
  'quote_volume_high',
  'taker_buy_volume',
  'taker_buy_volume_high',
  'taker_buy_quote_volume',
  'taker_buy_quote_volume_high',
  'trade_count',
  'first_id',
  'last_id',
  'revision',
  'closed',
  'incomplete',
  'last_time',
  'backfilled',
];

const insert = `INSERT INTO bars (${columns.join(', ')}) VALUES (${columns.map(() => '?').join(', ')})
  ON CONFLICT DO UPDATE SET ${columns
    .slice(3)
    .map((column) => `${column} = excluded.${column}`)
    .join(', ')}`;

/**
 * A bar's states are ordered by this: the newest id it holds, then its revision; closed comes after forming; and a
 * trade that was repaired into the middle raises only the count.
 */
const rank = (table: string): string =>
  `(${['last_id', 'revision', 'closed', 'trade_count'].map((column) => `${table}.${column}`).join(', ')})`;

/** A bar made from trades: see `isOlderState` in bar-rules.ts for what it may take the place of. */
export const upsertOwnBar = `${insert} WHERE CASE bars.backfilled
  WHEN 1 THEN excluded.closed = 1 AND excluded.incomplete = 0
  ELSE ${rank('excluded')} > ${rank('bars')}
    OR (${rank('excluded')} = ${rank('bars')} AND excluded.incomplete <> bars.incomplete) END`;

/** Whatever stands there. */
export const putBar = insert.replace(
  'last_time = excluded.last_time',
  'last_time = max(bars.last_time, excluded.last_time)',
);

/** Values for the statements above. */
export function barValues(): number[] {
  return columns.map(() => 0);
}

/** Fills `values` from the bar row at `words[at…]`. */
export function setBarValues(values: number[], symbolId: number, words: Float64Array, at: number): void {
  const flags = words[at + 2 + barWord.flags]!;
  values[0] = symbolId;
  // Columns 1 to 18 lie in the row's own order: resolution, open time … revision.
  for (let i = 1; i <= 18; i++) values[i] = words[at + i]!;
  values[19] = (flags & barBit.closed) === 0 ? 0 : 1;
  values[20] = (flags & barBit.incomplete) === 0 ? 0 : 1;
  values[21] = words[at + 2 + barWord.lastTime]!;
  values[22] = (flags & barBit.backfilled) === 0 ? 0 : 1;
}
