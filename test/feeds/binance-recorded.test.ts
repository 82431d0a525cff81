/**
 * Every recorded message of Binance, line by line: the normaliser against the obvious reader, record by record, and both
 * against digests that are kept beside this file, one for each 500 lines (`vitest -u` writes them anew).
 */
import { createHash } from 'node:crypto';
import { expect, test } from 'vitest';
import { BinanceReader, binanceNormaliser } from '../../src/feeds/binance/normalise.ts';
import { recordedTimes, recordsPerMessageMax, type TradesKind } from '../../src/feeds/normaliser.ts';
import { control, ignored, refusal } from '../../src/feeds/refusal.ts';
import { type TickRecords, tickField, tickKind, tickRecords } from '../../src/wire/tick-record.ts';
import { bookIn } from './binance-messages.ts';
import { hasData, options, recordAt, recorded } from './market.ts';

const names = new Map(
  [refusal, ignored, control, tickKind].flatMap((codes) =>
    Object.entries<number>(codes).map(([name, code]) => [code, name] as const),
  ),
);
const linesPerDigest = 500;

/** What one line became: the reason why nothing, or its records as numbers. */
function told(answer: number, records: TickRecords): string {
  if (answer < 0) return names.get(answer)!;
  return Array.from({ length: answer }, (_, slot) => recordAt(records, slot).join()).join(';');
}

test
  .skipIf(!hasData('binance-spot-btcusdt-2024-08-08.tsv.gz', 'binance-spot-4symbols-2021-10-12.tsv.gz'))
  .each<[string, TradesKind]>([
    ['binance-spot-btcusdt-2024-08-08', 'trade'],
    ['binance-spot-4symbols-2021-10-12', 'aggTrade'],
  ])('%s: each line as the obvious reader says, and as it was before', async (name, kind) => {
  const lines = recorded(`${name}.tsv.gz`);
  const changed = options({
    plausible: recordedTimes(lines[0]!.received, lines.at(-1)!.received),
    tradesOf: () => kind,
  });
  const normaliser = binanceNormaliser(changed);
  const reader = new BinanceReader(changed);
  const fast = tickRecords(recordsPerMessageMax);
  const slow = tickRecords(recordsPerMessageMax);
  const counts: Record<string, number> = {};
  const digests: string[] = [];
  let hash = createHash('sha256');
  for (const [i, { received, text }] of lines.entries()) {
    const bytes = new TextEncoder().encode(text);
    const answer = normaliser.normalise(bytes, 0, bytes.length, received, fast);
    const line = told(answer, fast);
    const judge = told(reader.normalise(bytes, 0, bytes.length, received, slow), slow);
    if (line !== judge) throw new Error(`line ${i + 1}: ${line} and not ${judge}`);
    const what = names.get(answer > 0 ? fast.halves[tickField.head]! & 0xff : answer)!;
    counts[what] = (counts[what] ?? 0) + 1;
    if (what === 'book') {
      bookIn(fast, answer);
      counts['levels'] = (counts['levels'] ?? 0) + fast.words[tickField.levels]!;
      counts['records of books'] = (counts['records of books'] ?? 0) + answer;
    }
    hash.update(`${line}\n`);
    if ((i + 1) % linesPerDigest === 0 || i + 1 === lines.length) {
      digests.push(hash.digest('hex').slice(0, 16));
      hash = createHash('sha256');
    }
  }
  const found = [...Object.entries(counts).map((one) => one.join(': ')), ...digests];
  await expect(`${found.join('\n')}\n`).toMatchFileSnapshot(`./recorded/${name}.txt`);
});
