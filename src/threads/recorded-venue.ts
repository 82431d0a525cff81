/** Which venue a recording is of, told by its first lines. */
import { createReadStream } from 'node:fs';
import { createInterface } from 'node:readline';
import { constants, createGunzip } from 'node:zlib';
import { type VenueName, venueNames } from '../simulator/dialect.ts';
import { dialectOf } from '../simulator/venues.ts';

const linesMax = 1_000;

/**
 * Binance where no line tells: whoever reads the file then says what is wrong with it.
 * A line of Binance's passes for one of Backpack's, but not the other way round: the first venue of most lines is meant.
 */
export async function recordedVenue(file: string): Promise<VenueName> {
  const dialects = venueNames.map((name) => dialectOf(name));
  const counts = new Map<VenueName, number>(venueNames.map((name) => [name, 0]));
  const input = createReadStream(file);
  const text = createGunzip({ finishFlush: constants.Z_SYNC_FLUSH });
  input.on('error', (error) => text.destroy(error));
  const lines = createInterface({ input: input.pipe(text), crlfDelay: Number.POSITIVE_INFINITY });
  const failed = new Promise<never>((_, reject) => text.on('error', reject));
  failed.catch(() => undefined);
  try {
    let read = 0;
    const reading = lines[Symbol.asyncIterator]();
    while (read++ < linesMax) {
      const next = await Promise.race([reading.next(), failed]);
      if (next.done === true) break;
      const message = parsed(next.value.slice(next.value.indexOf('\t') + 1));
      for (const dialect of dialects)
        if (message !== undefined && dialect.recorded(message)?.stream !== undefined)
          counts.set(dialect.name, counts.get(dialect.name)! + 1);
    }
  } catch {
    // What is wrong with the file is told by who reads all of it.
  } finally {
    lines.close();
    input.destroy();
    text.destroy();
  }
  return [...counts].reduce((best, one) => (one[1] > best[1] ? one : best))[0];
}

function parsed(text: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : undefined;
  } catch {
    return undefined;
  }
}
