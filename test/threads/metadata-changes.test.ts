/** What a listing changes, in which order, and what is done when it cannot be (scenario 23). */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { venues } from '../../src/feeds/registry.ts';
import type { Listed } from '../../src/market/enrolment.ts';
import type { Dictionary, Instrument } from '../../src/market/instrument.ts';
import { FetchedRecords } from '../../src/threads/fetched-records.ts';
import { Metadata, type MetadataParts } from '../../src/threads/metadata.ts';
import { takeRefreshWish, wishRefresh } from '../../src/threads/refresh-wish.ts';
import { tickField, tickKind, tickRecords } from '../../src/wire/tick-record.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'tickwire-metadata-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const listedOf = (native: string, changes: Partial<Listed> = {}): Listed => ({
  venue: 'BINANCE',
  native,
  symbol: `BINANCE:${native}`,
  base: native.slice(0, 3),
  quote: 'USDT',
  priceDecimals: 2,
  sizeDecimals: 5,
  active: true,
  ...changes,
});
const btc = listedOf('BTCUSDT');
const eth = listedOf('ETHUSDT');
const numbered = (listed: readonly Listed[]): Instrument[] =>
  listed.map((one, index) => ({ ...one, id: index + 1 }));

/** A server's parts that write down what they are told. */
function server(known: readonly Listed[], changes: Partial<MetadataParts> = {}) {
  const told: string[] = [];
  const refused = new Map([['BINANCE', 0]]);
  let nowMs = 0;
  const stored = new Set(known.map(({ symbol }) => symbol));
  let noRoom: number[] = [];
  const versions: Dictionary[] = [];
  const logs: string[] = [];
  const log = {
    info: () => undefined,
    warn: (text: string) => void logs.push(text),
    incident: (_: string, text: string) => void logs.push(text),
  };
  const metadata = new Metadata({
    dictionary: { epoch: 1, version: 1, instruments: numbered(known) },
    instrumentsMax: known.length + 2,
    venues: [{ venue: venues.binance, core: [], anySymbol: true }],
    dataDir: folder,
    line: {
      adopt: ({ version }) => void told.push(`line ${version}`),
      oldMetadata: () => refused,
    },
    rest: { onListed: () => undefined, refresh: (venue) => void told.push(`ask ${venue}`) },
    stored: {
      refresh: (_, listed, finer) => {
        const digits = listed.map(({ native, priceDecimals }) => `${native}/${priceDecimals}`).join(' ');
        told.push(`store ${digits}${finer.map(({ id, prices }) => ` finer ${id}+${prices}`).join('')}`);
        for (const { symbol } of listed) stored.add(symbol);
        return Promise.resolve({ instruments: stored.size, noRoom });
      },
      rescaled: (instrument) => {
        told.push(`await ${instrument}`);
        return Promise.resolve(true);
      },
    },
    told: [(dictionary) => void versions.push(dictionary)],
    log,
    now: () => nowMs,
    ...changes,
  });
  return {
    metadata,
    told,
    versions,
    logs,
    refused,
    pass: (ms: number) => void (nowMs += ms),
    leaveNoRoom: (ids: number[]) => void (noRoom = ids),
  };
}

test('a listing that changes nothing changes nothing; a coarser tick is none', async () => {
  const { metadata, told, versions } = server([btc, eth]);
  await metadata.listed('BINANCE', [eth, btc]);
  await metadata.listed('BINANCE', [eth, { ...btc, priceDecimals: 1 }]);
  expect(told).toEqual([]);
  expect(versions).toEqual([]);
  expect(metadata.health()).toMatchObject({ version: 1, changes: 0, listedSecondsAgo: { binance: 0 } });
});

test('scenario 23: what is new and gone is stored first, with the old decimals; finer ticks follow one by one', async () => {
  const { metadata, told, versions } = server([btc, eth]);
  const sol = listedOf('SOLUSDT');
  await metadata.listed('BINANCE', [
    { ...btc, priceDecimals: 4 },
    { ...eth, active: false, sizeDecimals: 7 },
    sol,
  ]);
  expect(told).toEqual([
    'store BTCUSDT/2 ETHUSDT/2 SOLUSDT/2 finer 1+2 finer 2+0',
    'line 2',
    'await 1',
    'line 3',
    'await 2',
    'line 4',
  ]);
  expect(versions.map(({ version }) => version)).toEqual([2, 3, 4]);
  expect(versions[0]!.instruments.map(({ priceDecimals }) => priceDecimals)).toEqual([2, 2, 2]);
  expect(metadata.dictionary.instruments).toEqual(
    numbered([{ ...btc, priceDecimals: 4 }, { ...eth, active: false, sizeDecimals: 7 }, sol]),
  );
});

test('scenario 23: a renamed symbol is a new one, and no id is given twice', async () => {
  const { metadata } = server([btc, eth]);
  const xbt = listedOf('XBTUSDT');
  await metadata.listed('BINANCE', [xbt, eth]);
  await metadata.listed('BINANCE', [btc, eth]);
  const facts = metadata.dictionary.instruments.map(({ id, native, active }) => `${id} ${native} ${active}`);
  expect(facts).toEqual(['1 BTCUSDT true', '2 ETHUSDT true', '3 XBTUSDT false']);
});

test('a listing of nothing is an exchange in trouble', async () => {
  const { metadata, versions, logs } = server([btc]);
  await metadata.listed('BINANCE', []);
  expect(versions).toEqual([]);
  expect(logs).toEqual(['the exchange lists nothing']);
});

test('when the room for new symbols is used up the others are left out, said once, and known ones still change', async () => {
  const { metadata, logs } = server([btc]);
  const many = ['AAAUSDT', 'BBBUSDT', 'CCCUSDT'].map((native) => listedOf(native));
  await metadata.listed('BINANCE', [btc, ...many]);
  await metadata.listed('BINANCE', [{ ...btc, active: false }, ...many]);
  expect(metadata.dictionary.instruments.map(({ native }) => native)).toEqual([
    'BTCUSDT',
    'AAAUSDT',
    'BBBUSDT',
  ]);
  expect(metadata.dictionary.instruments[0]!.active).toBe(false);
  expect(logs).toEqual(['no room for more symbols: a restart makes room']);
  expect(metadata.health().room).toBe(0);
});

test('decimals for which what is stored has no room are left out; what cannot be stored changes nothing', async () => {
  const { metadata, versions, logs, leaveNoRoom } = server([btc, eth]);
  leaveNoRoom([1]);
  await metadata.listed('BINANCE', [
    { ...btc, priceDecimals: 12 },
    { ...eth, priceDecimals: 3 },
  ]);
  expect(metadata.dictionary.instruments.map(({ priceDecimals }) => priceDecimals)).toEqual([2, 3]);
  expect(versions).toHaveLength(1);
  expect(logs).toHaveLength(1);
  const failing = server([btc], {
    stored: { refresh: () => Promise.reject(new Error('disk full')), rescaled: () => Promise.resolve(true) },
  });
  await failing.metadata.listed('BINANCE', [btc, eth]);
  expect(failing.versions).toEqual([]);
  expect(failing.metadata.dictionary.version).toBe(1);
});

test('scenario 23: a burst of refusals that a change looks like asks for the listing early, at most once a minute', () => {
  const { metadata, told, refused, pass } = server([btc]);
  refused.set('BINANCE', 2);
  metadata.check();
  expect(told).toEqual([]);
  refused.set('BINANCE', 3);
  metadata.check();
  metadata.check();
  refused.set('BINANCE', 100);
  pass(59_000);
  metadata.check();
  expect(told).toEqual(['ask BINANCE']);
  pass(1_000);
  metadata.check();
  metadata.check();
  expect(told).toEqual(['ask BINANCE', 'ask BINANCE']);
  expect(metadata.health().early).toBe(2);
});

test('a refresh that another process wishes is asked for once', () => {
  const { metadata, told } = server([btc]);
  wishRefresh(folder);
  metadata.check();
  metadata.check();
  expect(told).toEqual(['ask BINANCE']);
  expect(takeRefreshWish(folder)).toBe(false);
});

test('scenario 23: what was fetched by decimals of the past is thrown away, by instrument; ids that are lost are no prices', () => {
  const fetched = new FetchedRecords();
  const before = { epoch: 1, version: 4, instruments: numbered([btc, eth]) };
  const after = { epoch: 1, version: 5, instruments: numbered([{ ...btc, priceDecimals: 3 }, eth]) };
  fetched.adopt(before, after);
  const kinds = [
    [1, tickKind.trade],
    [2, tickKind.trade],
    [1, tickKind.lost],
    [1, tickKind.book],
    [2, tickKind.quote],
  ] as const;
  const fill = () => {
    const records = tickRecords(kinds.length);
    for (const [index, [instrument, kind]] of kinds.entries()) {
      records.halves[index * 16 + tickField.head] = kind;
      records.halves[index * 16 + tickField.instrument] = instrument;
      records.words[index * 8 + tickField.id] = index;
    }
    return records;
  };
  const old = fill();
  expect(fetched.keep(old, kinds.length, 4)).toBe(3);
  expect([0, 1, 2].map((index) => old.words[index * 8 + tickField.id])).toEqual([1, 2, 4]);
  expect(fetched.keep(fill(), kinds.length, 5)).toBe(kinds.length);
  expect({ came: fetched.came, old: fetched.old }).toEqual({ came: 10, old: 2 });
});
