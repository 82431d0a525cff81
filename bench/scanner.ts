/**
 * Question: what does one exchange message cost the hub's thread? The byte scanner alone, the obvious reader
 * (JSON.parse) alone, and the whole step: normalise and put into the shard's ring.
 */
import { existsSync, readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import { BinanceReader, binanceNormaliser } from '../src/feeds/binance/normalise.ts';
import type { Normaliser, NormaliserOptions } from '../src/feeds/normaliser.ts';
import { dealInstruments, Hub, hubDefaults } from '../src/hub/hub.ts';
import type { Instrument } from '../src/market/instrument.ts';
import { doorbell } from '../src/wire/doorbell.ts';
import { tickRecords } from '../src/wire/tick-record.ts';
import { TickReader, TickWriter, tickRingMemory } from '../src/wire/tick-ring.ts';
import { type BenchResult, machine, median } from './result.ts';

const recording = new URL('../../shared/data/binance-spot-btcusdt-2024-08-08.tsv.gz', import.meta.url);
const received = 1_723_161_555_343_000;
const perTurn = 1_024;

const instruments: Instrument[] = Array.from({ length: 500 }, (_, i) => {
  const base = i === 0 ? 'BTC' : `SYM${i}`;
  return {
    id: i + 1,
    venue: 'BINANCE',
    native: `${base}USDT`,
    symbol: `BINANCE:${base}USDT`,
    base,
    quote: 'USDT',
    priceDecimals: 2,
    sizeDecimals: 5,
    active: true,
  };
});
const options: NormaliserOptions = {
  instruments,
  tradesOf: () => 'trade',
  plausible: { around: 'receipt', pastMicros: 43_200e6, futureMicros: 43_200e6 },
  messageBytesMax: 1_048_576,
};

/** Recorded trades and quotes where there are recordings, else one of each again and again. */
function messages(): { texts: string[]; input: string } {
  if (existsSync(recording)) {
    const lines = gunzipSync(readFileSync(recording)).toString('utf8').split('\n');
    const texts = lines
      .map((line) => line.slice(line.indexOf('\t') + 1))
      .filter((text) => /@(?:trade|bookTicker)"/.test(text));
    return { texts, input: `${texts.length} recorded trades and quotes of BTCUSDT among 500 symbols` };
  }
  const trade =
    '{"stream":"btcusdt@trade","data":{"e":"trade","E":1723161255343,"s":"BTCUSDT","t":3735683259,"p":"61837.63000000","q":"0.02000000","T":1723161255342,"m":true,"M":true}}';
  const quote =
    '{"stream":"btcusdt@bookTicker","data":{"u":50093239212,"s":"BTCUSDT","b":"61837.63000000","B":"3.78826000","a":"61837.64000000","A":"1.54698000"}}';
  return {
    texts: Array.from({ length: 10_000 }, (_, i) => (i % 5 === 0 ? trade : quote)),
    input: 'two messages, repeated',
  };
}

export function run({ tiny }: { tiny: boolean }): Promise<BenchResult> {
  const { texts, input } = messages();
  // Slices of one chunk, as a socket gives them.
  const chunk = Buffer.from(texts.join(''));
  let end = 0;
  const slices = texts
    .map((text) => chunk.subarray(end, (end += Buffer.byteLength(text))))
    .slice(0, tiny ? 1_000 : undefined);
  const rounds = tiny ? 2 : 15;
  const out = tickRecords(16);
  const memory = tickRingMemory(65_536);
  const shard = new TickReader(memory);
  const hub = new Hub({
    ...hubDefaults,
    writers: [new TickWriter(memory, doorbell())],
    shardOf: dealInstruments(instruments.length, 1),
    clock: { now: () => received },
  });

  const read = (normaliser: Normaliser): number => {
    let ticks = 0;
    for (const bytes of slices) ticks += normaliser.normalise(bytes, 0, bytes.length, received, out);
    return ticks;
  };
  const whole = (normaliser: Normaliser): number => {
    let ticks = 0;
    for (let i = 0; i < slices.length; i++) {
      const bytes = slices[i]!;
      const count = normaliser.normalise(bytes, 0, bytes.length, received, out);
      if (count > 0) hub.take(out, count);
      ticks += count;
      if (i % perTurn === perTurn - 1) {
        hub.flush();
        shard.release(shard.tail);
      }
    }
    return ticks;
  };
  const nanos = (work: () => number): { median: number; least: number } => {
    const times = Array.from({ length: rounds }, () => {
      const start = performance.now();
      if (work() !== slices.length) throw new Error('a message gave no tick');
      return ((performance.now() - start) * 1e6) / slices.length;
    });
    return { median: Math.round(median(times)), least: Math.round(Math.min(...times)) };
  };

  const fast = binanceNormaliser(options);
  const scanner = nanos(() => read(fast));
  const reader = nanos(() => read(new BinanceReader(options)));
  const step = nanos(() => whole(fast));
  hub.close();
  const { pushed, taken } = hub.account();
  if (pushed !== taken) throw new Error(`${taken} records taken and ${pushed} pushed`);
  return Promise.resolve({
    bench: 'scanner',
    machine: machine(),
    input,
    metrics: {
      scanner_ns: scanner.median,
      scanner_least_ns: scanner.least,
      reader_ns: reader.median,
      normalise_and_push_ns: step.median,
      normalise_and_push_least_ns: step.least,
    },
    ratios: { reader_vs_scanner: Math.round((reader.median / scanner.median) * 10) / 10 },
    goals: { scanner_ns: { is: '≤', value: 150 }, normalise_and_push_ns: { is: '≤', value: 250 } },
  });
}
