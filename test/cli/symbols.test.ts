/** `tickwire symbols`, over a real file. */
import { afterEach, beforeEach, expect, test } from 'vitest';
import { FolderLock } from '../../src/cli/folder-lock.ts';
import { runSymbols } from '../../src/cli/symbols.ts';
import type { Config } from '../../src/config/load.ts';
import { RestFault } from '../../src/feeds/venue-rest.ts';
import type { Instrument } from '../../src/market/instrument.ts';
import { openLog } from '../../src/telemetry/log.ts';
import { takeRefreshWish } from '../../src/threads/refresh-wish.ts';
import { removeFolder, temporaryFolder } from '../demo/demo-process.ts';
import { instrumentOf } from '../stores/market-samples.ts';
import { candleVenue } from '../stores/venue-candles.ts';

const listed = (native: string, changes: Partial<Instrument> = {}): Omit<Instrument, 'id'> => {
  const { id: _, ...one } = { ...instrumentOf(0, native), ...changes };
  return one;
};

let folder: string;
let shown: string;
let logged: string;
let listings: Map<string, Omit<Instrument, 'id'>[] | RestFault>;
beforeEach(() => {
  folder = temporaryFolder();
  [shown, logged] = ['', ''];
  listings = new Map([
    ['BINANCE', [listed('BTCUSDT'), listed('ETHUSDT'), listed('NKNUSDT', { active: false })]],
  ]);
});
afterEach(() => {
  removeFolder(folder);
  process.exitCode = undefined;
});

async function run(...words: string[]): Promise<string> {
  shown = '';
  const log = openLog({ stream: { write: (text: string) => void (logged += text) } });
  await runSymbols({ words }, { dataDir: folder } as Config, log, {
    out: { write: (text: string) => (shown += text) },
    signal: new AbortController().signal,
    rests: () =>
      new Map(
        [...listings].map(([venue, listing]) => {
          const { rest } = candleVenue(listing instanceof RestFault ? [] : listing);
          const instruments = () =>
            listing instanceof RestFault ? Promise.reject(listing) : rest.instruments();
          return [venue, { ...rest, instruments }];
        }),
      ),
  });
  return shown;
}

test('refresh says what is new, changed and gone; ids are never given twice', async () => {
  expect(await run('list')).toContain('no symbols are known');
  expect(await run('refresh')).toBe(
    [
      'BINANCE: 3 listed; 3 new, 0 changed, 0 gone',
      '  new      BINANCE:BTCUSDT: tick 0.01, lot 0.00001, active',
      '  new      BINANCE:ETHUSDT: tick 0.01, lot 0.00001, active',
      '  new      BINANCE:NKNUSDT: tick 0.01, lot 0.00001, inactive\n',
    ].join('\n'),
  );
  listings.set('BINANCE', [
    listed('NEWUSDT'),
    listed('BTCUSDT', { priceDecimals: 3, sizeDecimals: 8 }),
    listed('NKNUSDT'),
  ]);
  expect(await run('refresh')).toBe(
    [
      'BINANCE: 3 listed; 1 new, 2 changed, 1 gone',
      '  new      BINANCE:NEWUSDT: tick 0.01, lot 0.00001, active',
      '  changed  BINANCE:BTCUSDT: tick 0.01 is now 0.001; lot 0.00001 is now 0.00000001',
      '  changed  BINANCE:NKNUSDT: status inactive is now active',
      '  gone     BINANCE:ETHUSDT\n',
    ].join('\n'),
  );
  expect(await run('refresh')).toBe('BINANCE: 3 listed; 0 new, 0 changed, 0 gone\n');
  const rows = (await run('list'))
    .trimEnd()
    .split('\n')
    .map((line) => line.split(/ {2,}/));
  expect(rows).toEqual([
    ['ID', 'SYMBOL', 'PAIR', 'TICK', 'LOT', 'STATUS'],
    ['1', 'BINANCE:BTCUSDT', 'BTC/USDT', '0.001', '0.00000001', 'active'],
    ['2', 'BINANCE:ETHUSDT', 'ETH/USDT', '0.01', '0.00001', 'inactive'],
    ['3', 'BINANCE:NKNUSDT', 'NKN/USDT', '0.01', '0.00001', 'active'],
    ['4', 'BINANCE:NEWUSDT', 'NEW/USDT', '0.01', '0.00001', 'active'],
  ]);
  expect((await run('active')).split('\n')).toHaveLength(5);
});

const rowsOf = (text: string): string[][] =>
  text
    .split('\n')
    .filter((line) => line.includes('BINANCE:'))
    .map((line) => line.trim().split(/ {2,}/));
test('an exchange that does not answer, or lists nothing, changes nothing of its own', async () => {
  await run('refresh');
  const before = rowsOf(await run('list'));
  expect(before).toHaveLength(3);
  for (const listing of [new RestFault('unreachable', 'gone'), []]) {
    listings.set('BINANCE', listing);
    listings.set('COINBASE', [listed('BTC-USD', { venue: 'COINBASE', symbol: 'COINBASE:BTC-USD' })]);
    expect(await run('refresh')).toContain('COINBASE: 1 listed');
    expect(process.exitCode).toBe(1);
  }
  expect(logged).toContain('"error":"gone"');
  expect(logged).toContain('it lists nothing');
  expect(rowsOf(await run('list'))).toEqual(before);
});

const symbolsOf = (text: string): string[] => text.match(/BINANCE:\w+/g) ?? [];
test('search by any name, by a part, and by what was meant', async () => {
  await run('refresh');
  expect(symbolsOf(await run('search', 'btc'))).toEqual(['BINANCE:BTCUSDT']);
  expect(symbolsOf(await run('search', 'eth/usdt'))).toEqual(['BINANCE:ETHUSDT']);
  expect(symbolsOf(await run('search', 'usdt'))).toHaveLength(3);
  expect(await run('search', 'BTCUDST')).toBe(
    'no symbol has "BTCUDST" in its name; did you mean BINANCE:BTCUSDT?\n',
  );
  expect(await run('search', '__proto__')).toBe('no symbol has "__proto__" in its name\n');
});

test('with a server on the folder, refresh leaves it to that one; the lists are read beside it', async () => {
  await run('refresh');
  const lock = FolderLock.inside(folder);
  expect(await run('refresh')).toMatch(/^a server runs on this data folder/);
  expect(takeRefreshWish(folder), 'it is asked to').toBe(true);
  expect((await run('active')).split('\n')).toHaveLength(4);
  lock.release();
});

test.each([
  [[], 'symbols takes one of refresh'],
  [['refrsh'], 'symbols takes one of refresh'],
  [['list', 'x'], '"x" is one word too many'],
  [['search'], 'symbols search takes a text'],
  [['search', 'a', 'b'], '"b" is one word too many'],
])('%j is refused', async (words, text) => {
  await expect(run(...words)).rejects.toThrow(text);
});
