/** `tickwire symbols`: what the exchanges list, and what is known of it. */
import { existsSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Config } from '../config/load.ts';
import { Directory } from '../market/directory.ts';
import type { Enrolment } from '../market/enrolment.ts';
import type { Instrument } from '../market/instrument.ts';
import { decimalOf } from '../market/mantissa.ts';
import { instrumentsOf, SqliteInstruments } from '../stores/sqlite-instruments.ts';
import { openMarketDatabase, openMarketReader } from '../stores/sqlite-schema.ts';
import type { Log } from '../telemetry/log.ts';
import { reasonOf } from '../threads/listing.ts';
import { wishRefresh } from '../threads/refresh-wish.ts';
import { UsageFault } from './arguments.ts';
import type { SymbolsArguments } from './backfill-options.ts';
import { type TextOutput, tableText } from './backfill-progress.ts';
import { lockUnlessRunning } from './folder-state.ts';
import { Shutdown } from './shutdown.ts';
import { type VenueRests, venueRests } from './venue-access.ts';

/** What the command has of the world; tests give their own. */
export interface SymbolsWorld {
  readonly out: TextOutput;
  readonly signal: AbortSignal;
  readonly rests: (signal: AbortSignal) => VenueRests;
}

const foundMax = 50;

/** @throws UsageFault when something cannot be done; sets exit code 1 when an exchange does not answer */
export async function runSymbols(
  { words }: SymbolsArguments,
  config: Config,
  log: Log,
  given: Partial<SymbolsWorld> = {},
): Promise<void> {
  const [word, text, ...rest] = words;
  const takesText = word === 'search';
  const extra = takesText ? rest[0] : text;
  if (word === undefined || !['refresh', 'list', 'active', 'search'].includes(word))
    throw new UsageFault('symbols takes one of refresh, list, active, search TEXT');
  if (extra !== undefined) throw new UsageFault(`"${extra}" is one word too many after "symbols ${word}"`);
  if (takesText && (text ?? '') === '') throw new UsageFault('symbols search takes a text, such as btc');
  const out = given.out ?? process.stdout;
  if (word === 'refresh') {
    const signal = given.signal ?? new Shutdown().signal;
    const rests = (given.rests ?? ((until) => venueRests(config, until)))(signal);
    if (!(await refresh(config.dataDir, rests, out, log))) process.exitCode = 1;
    return;
  }
  const all = known(config.dataDir);
  if (word === 'list') out.write(instrumentsTable(all));
  else if (word === 'active') out.write(instrumentsTable(all.filter(({ active }) => active)));
  else out.write(searched(all, text!));
}

function known(folder: string): Instrument[] {
  const file = join(folder, 'market.db');
  if (!existsSync(file)) return [];
  const db = openMarketReader(file);
  try {
    return instrumentsOf(db);
  } finally {
    db.close();
  }
}

/** @returns whether every exchange answered */
async function refresh(folder: string, rests: VenueRests, out: TextOutput, log: Log): Promise<boolean> {
  const lock = lockUnlessRunning(folder);
  if (lock === undefined) {
    wishRefresh(folder);
    out.write(
      'a server runs on this data folder: it reads the listings itself, and was asked to do so now\n',
    );
    return true;
  }
  let isWhole = true;
  try {
    mkdirSync(folder, { recursive: true });
    const db = openMarketDatabase(join(folder, 'market.db'));
    try {
      const store = new SqliteInstruments(db);
      for (const [venue, rest] of rests) {
        try {
          const listed = await rest.instruments();
          // A listing of nothing is an exchange in trouble: not everything is gone at once.
          if (listed.length === 0) throw new Error('it lists nothing');
          out.write(enrolmentText(venue, listed.length, store.refresh(venue, listed)));
        } catch (error) {
          isWhole = false;
          log.error('the exchange does not list its instruments: nothing of it was changed', {
            venue,
            error: reasonOf(error),
          });
        }
      }
    } finally {
      db.close();
    }
  } finally {
    lock.release();
  }
  return isWhole;
}

function enrolmentText(venue: string, listed: number, { added, changed, gone }: Enrolment): string {
  const lines = [
    `${venue}: ${listed} listed; ${added.length} new, ${changed.length} changed, ${gone.length} gone`,
    ...added.map((one) => `  new      ${factsOf(one)}`),
    ...changed.map(
      ({ before, after }) => `  changed  ${after.symbol}: ${changesOf(before, after).join('; ')}`,
    ),
    ...gone.map(({ symbol }) => `  gone     ${symbol}`),
  ];
  return `${lines.join('\n')}\n`;
}

function factsOf(one: Instrument): string {
  return `${one.symbol}: tick ${stepOf(one.priceDecimals)}, lot ${stepOf(one.sizeDecimals)}, ${statusOf(one)}`;
}

function changesOf(before: Instrument, after: Instrument): string[] {
  const facts: [name: string, was: string, is: string][] = [
    ['tick', stepOf(before.priceDecimals), stepOf(after.priceDecimals)],
    ['lot', stepOf(before.sizeDecimals), stepOf(after.sizeDecimals)],
    ['status', statusOf(before), statusOf(after)],
    ['pair', `${before.base}/${before.quote}`, `${after.base}/${after.quote}`],
  ];
  return facts.filter(([, was, is]) => was !== is).map(([name, was, is]) => `${name} ${was} is now ${is}`);
}

/** The least step of a number with so many decimals: `0.01`. */
function stepOf(decimals: number): string {
  return decimalOf(1, decimals);
}

function statusOf({ active }: Instrument): string {
  return active ? 'active' : 'inactive';
}

function instrumentsTable(instruments: readonly Instrument[]): string {
  if (instruments.length === 0)
    return 'no symbols are known; "tickwire symbols refresh" asks the exchanges\n';
  const rows = instruments.map((one) => [
    String(one.id),
    one.symbol,
    `${one.base}/${one.quote}`,
    stepOf(one.priceDecimals),
    stepOf(one.sizeDecimals),
    statusOf(one),
  ]);
  return tableText([['ID', 'SYMBOL', 'PAIR', 'TICK', 'LOT', 'STATUS'], ...rows]);
}

/** By any name that means one, by a part of a name, and else the nearest names. */
function searched(all: readonly Instrument[], text: string): string {
  const plain = plainName(text);
  const found = all.filter(
    (one) => plainName(one.symbol).includes(plain) || plainName(`${one.base}${one.quote}`).includes(plain),
  );
  if (found.length > foundMax)
    return `${instrumentsTable(found.slice(0, foundMax))}… and ${found.length - foundMax} more\n`;
  if (found.length > 0) return instrumentsTable(found);
  const near = new Directory({ epoch: 0, version: 1, instruments: all }).resolve(text);
  const meant = 'candidates' in near ? near.candidates.join(', ') : near.instrument.symbol;
  return `no symbol has "${text}" in its name${meant === '' ? '' : `; did you mean ${meant}?`}\n`;
}

function plainName(name: string): string {
  return name.toUpperCase().replaceAll(/[-_/]/g, '');
}
