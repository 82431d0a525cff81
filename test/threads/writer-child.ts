/**
 * A server's storage in one process: goes on from what the file holds, feeds the writer thread turn by turn, and
 * ends when the stream does. The crash test kills it on the way. Arguments: file, seed.
 */
import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { SqliteInstruments } from '../../src/stores/sqlite-instruments.ts';
import { openMarketDatabase } from '../../src/stores/sqlite-schema.ts';
import { seedsOf } from '../../src/stores/sqlite-seed.ts';
import { WriterControl } from '../../src/stores/writer-control.ts';
import type { WriterData } from '../../src/threads/writer.ts';
import { doorbell } from '../../src/wire/doorbell.ts';
import { SegmentWriter, segmentRingMemory } from '../../src/wire/segment-ring.ts';
import { dice } from '../stores/market-samples.ts';
import { ObviousShard, Turn } from './obvious-shard.ts';
import { streamInstruments, streamTrade, streamTrades } from './writer-stream.ts';

const [file, seedText] = process.argv.slice(2) as [string, string];
const seed = Number(seedText);
const db = openMarketDatabase(file);
const dictionary = new SqliteInstruments(db).enrol(streamInstruments);
const seeds = [...seedsOf(db, dictionary)];
db.close();

const bell = doorbell();
const control = new WriterControl();
const memories = [segmentRingMemory(2 ** 18), segmentRingMemory(2 ** 18)];
const rings = memories.map((memory) => new SegmentWriter(memory, bell));
const workerData: WriterData = {
  rings: memories,
  bell: bell.buffer as SharedArrayBuffer,
  file,
  dictionary,
  control: control.memory,
  commitRows: 200,
  commitMs: 5,
  formingMs: 40,
};
const worker = new Worker(new URL('../../src/threads/writer.ts', import.meta.url), { workerData });
await once(worker, 'message');
process.stdout.write('ready\n');

// Instruments 1 and 3 live on the first shard, 2 on the second.
const shards = seeds.map((of) => ({
  of,
  turn: new Turn(),
  ring: rings[(of.instrument - 1) % 2]!,
  sequence: 0,
}));
const lines = shards.map((line) => ({ ...line, shard: new ObviousShard(line.of, line.turn) }));
const roll = dice(process.pid);
for (let isDone = false; !isDone; ) {
  isDone = true;
  for (const { of, turn, ring, shard } of lines) {
    for (let n = Math.floor(roll() * 30); n > 0 && shard.newestId < streamTrades; n--) {
      shard.trade(streamTrade(seed, of.instrument, shard.newestId + 1), turn);
    }
    // Forming bars go out less often than trades, closed ones at once: as a shard does.
    if (roll() < 0.2 || shard.newestId === streamTrades) shard.forming(turn);
    if (shard.newestId < streamTrades) isDone = false;
    const segment = turn.take();
    while (segment.length > 0 && !ring.write(segment, segment.length, 0)) ring.waitForRoom(10);
  }
  await new Promise((resolve) => setTimeout(resolve, 1));
}
control.stop(bell);
const [code] = (await once(worker, 'exit')) as [number];
process.exitCode = code;
