/** What a run begins with: the instruments with their lasting ids, and each shard's first state from the stores. */
import { existsSync, mkdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { UsageFault } from '../cli/arguments.ts';
import { seedInstrument } from '../compute/seed.ts';
import { shardMemory } from '../compute/shard-memory.ts';
import type { Dictionary, Instrument } from '../market/instrument.ts';
import type { Bar } from '../market/tick.ts';
import { SqliteHistoryWriter } from '../stores/sqlite-history-writer.ts';
import { SqliteInstruments } from '../stores/sqlite-instruments.ts';
import { openMarketDatabase } from '../stores/sqlite-schema.ts';
import { seedsOf } from '../stores/sqlite-seed.ts';
import { type ShardEstate, ShardSnapshots, shardEstate } from '../workers/shard-snapshots.ts';

/** So many instruments may be listed anew while the server runs; a restart makes room for as many again. */
export const spareInstruments = 256;

export interface MarketStart {
  readonly file: string;
  readonly dictionary: Dictionary;
  /** The highest number that an instrument may get in this run. */
  readonly instrumentsMax: number;
  /** One a shard: seeded, ready to be run. */
  readonly estates: readonly ShardEstate[];
}

/** What earlier runs know of a venue's symbols, for when it does not answer. @throws UsageFault as `openMarket` */
export function enrolledInstruments(dataDir: string, venue: string): Omit<Instrument, 'id'>[] {
  const file = join(dataDir, 'market.db');
  if (!existsSync(file)) return [];
  const db = openFile(file);
  try {
    const known = new SqliteInstruments(db).enrol([]);
    return known.filter((one) => one.venue === venue);
  } finally {
    db.close();
  }
}

function openFile(file: string): ReturnType<typeof openMarketDatabase> {
  try {
    mkdirSync(dirname(file), { recursive: true });
    return openMarketDatabase(file);
  } catch (error) {
    const text = error instanceof Error ? error.message : String(error);
    throw new UsageFault(`${text}; name another data folder with --data`, { cause: error });
  }
}

/**
 * Opens the market's file, enrols what is listed, and completes and loads what an earlier run left. The file is closed
 * again: from then on the writer thread owns it.
 * @throws UsageFault when folder or file cannot be used
 */
export async function openMarket(
  dataDir: string,
  listed: readonly Omit<Instrument, 'id'>[],
  shards: number,
  bookLevels: number,
  epoch: number,
): Promise<MarketStart> {
  const file = join(dataDir, 'market.db');
  const db = openFile(file);
  const instruments = new SqliteInstruments(db).enrol(listed);
  const instrumentsMax = instruments.length + spareInstruments;
  const rows = Math.ceil(instrumentsMax / shards);
  const estates = Array.from({ length: shards }, () => shardEstate(rows, bookLevels));
  const memories = estates.map((estate) => shardMemory(rows, new Float64Array(estate.minutes)));
  const completed: Bar[] = [];
  for (const seed of seedsOf(db, instruments)) {
    const place = seed.instrument - 1;
    completed.push(...seedInstrument(memories[place % shards]!, Math.floor(place / shards), seed));
  }
  for (const [index, estate] of estates.entries()) new ShardSnapshots(estate).take(memories[index]!, 0);
  const writer = new SqliteHistoryWriter(db, instruments, 'none');
  if (completed.length > 0) await writer.write({ trades: [], bars: completed, quotes: [], enigma: [] });
  await writer.close();
  if (db.open) db.close();
  return { file, dictionary: { epoch, version: 1, instruments }, instrumentsMax, estates };
}
