/** The page in a browser, on the demo as a user starts it. */
import { existsSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { type Browser, chromium, type Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { DemoProcess, freePort, removeFolder, temporaryFolder } from '../demo/demo-process.ts';
import { buildPage } from './page-build.ts';
import { book, chartData, colouredPixels, eventually, prices, state, text } from './page-reading.ts';

const executablePath = '/usr/bin/chromium';
const isAbsent = !existsSync(executablePath) && process.env['TICKWIRE_REQUIRE_SERVICES'] !== '1';
const artefacts = join(import.meta.dirname, '..', '..', 'artefacts');
const flags = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];
const narrowSpace = '\u202f';
/** 24 of Binance, and what the other two and the indexes make of the same assets. */
const symbolCount = 70;
const levelsShown = 8;

describe.skipIf(isAbsent)('the page in Chromium (skipped without /usr/bin/chromium)', () => {
  const folder = temporaryFolder();
  let demo: DemoProcess;
  let browser: Browser;

  beforeAll(async () => {
    await buildPage();
    mkdirSync(artefacts, { recursive: true });
    // Not port 0: it is to come back on the same one.
    demo = await startDemo(await freePort());
    browser = await chromium.launch({ executablePath, headless: true, args: flags });
  });

  afterAll(async () => {
    await browser?.close();
    await demo?.stop();
    removeFolder(folder);
  });

  function startDemo(port: number): Promise<DemoProcess> {
    return DemoProcess.start(['--port', String(port), '--data', folder, '--set', 'workers.count=2']);
  }

  /** A page with what went wrong on it, and what it asked of others. */
  async function open(width: number, height: number, hash = ''): Promise<{ page: Page; troubles: string[] }> {
    const page = await browser.newPage({ viewport: { width, height }, colorScheme: 'dark' });
    const troubles: string[] = [];
    page.on('console', (message) => {
      if (message.type() === 'error' || message.type() === 'warning') troubles.push(message.text());
    });
    page.on('pageerror', (error) => troubles.push(error.message));
    page.on('request', (request) => {
      if (!request.url().startsWith(demo.url)) troubles.push(`asked for ${request.url()}`);
    });
    await page.goto(demo.url + hash);
    return { page, troubles };
  }

  async function json<T>(path: string): Promise<T> {
    return (await (await fetch(`${demo.url}api/v1/${path}`)).json()) as T;
  }

  test('it is alive: prices, candles, Enigma level and latency, from our own server only', async () => {
    const { page, troubles } = await open(1280, 800);
    await state(page, 'live');
    expect(await text(page, '#state-text')).toBe('live');

    const before = await eventually(
      () => prices(page),
      (shown) => shown.length === symbolCount && !shown.includes('–'),
    );
    const moved = (shown: string[]): number => shown.filter((price, index) => price !== before[index]).length;
    await eventually(
      () => prices(page),
      (shown) => moved(shown) >= 6,
    );
    const large = await text(page, '#price');
    await eventually(
      () => text(page, '#price'),
      (price) => price !== large && /\d/.test(price),
    );
    expect(
      await page.locator('.last[data-direction=up], .last[data-direction=down]').count(),
    ).toBeGreaterThan(3);
    expect(await text(page, '#change')).toMatch(/^[+−]?\d+\.\d\d\s%$/);

    const bid = Number(
      (
        await eventually(
          () => text(page, '#bid'),
          (price) => /\d/.test(price),
        )
      ).replaceAll(narrowSpace, ''),
    );
    const ask = Number((await text(page, '#ask')).replaceAll(narrowSpace, ''));
    expect(ask).toBeGreaterThan(bid * 0.99);
    expect(await page.locator('#tape tr.up, #tape tr.down').count()).toBeGreaterThan(0);

    const chart = await eventually(
      () => chartData(page),
      ({ bars, loading }) => Number(bars) >= 3 && loading === 'false',
    );
    await eventually(
      () => chartData(page),
      ({ last }) => last !== chart['last'],
    );
    expect(await colouredPixels(page)).toBeGreaterThan(200);

    expect(
      await eventually(
        () => text(page, '#latency'),
        (shown) => /\d/.test(shown),
      ),
    ).toMatch(/^\d+(\.\d)? m?s$/);
    expect(
      await eventually(
        () => text(page, '#age'),
        (shown) => /\d/.test(shown),
      ),
    ).toMatch(/^(< )?\d+(\.\d)? m?s$/);

    await page.screenshot({ path: join(artefacts, 'page.png') });
    expect(await text(page, '#faults')).toBe('0');
    expect(await text(page, '#jumps')).toBe('0');
    expect(await text(page, '#repeated')).toBe('0');
    expect(troubles).toEqual([]);
    await page.close();
  });

  test('the Enigma level and its prices are those of the server, and the lines can be switched off', async () => {
    const { page, troubles } = await open(1280, 800, '#BINANCE:SOLUSDT/1m');
    await eventually(
      () => text(page, '#level'),
      (level) => /^\d+\.\d\d %$/.test(level),
    );
    const known = await json<{ level: number; ath: number; fib_levels: Record<string, number> }>(
      'symbols/SOLUSDT/enigma',
    );
    expect(Number.parseFloat(await text(page, '#level'))).toBeGreaterThan(known.level - 5);
    expect(Number.parseFloat(await text(page, '#level'))).toBeLessThan(known.level + 5);
    const steps = await page.locator('#fibonacci-prices li').allInnerTexts();
    const shown = steps.map((step) =>
      step
        .replaceAll(narrowSpace, '')
        .split(/\s*%\s*/)
        .map(Number),
    );
    expect(Object.fromEntries(shown)).toEqual(known.fib_levels);
    expect(await page.locator('#meter').getAttribute('aria-valuenow')).toMatch(/^\d+\.\d\d$/);

    await eventually(
      () => chartData(page),
      ({ marks }) => marks === '7',
    );
    await page.getByLabel('Fibonacci lines').uncheck();
    await eventually(
      () => chartData(page),
      ({ marks }) => marks === '0',
    );
    expect(troubles).toEqual([]);
    await page.close();
  });

  test('the order book has the best levels of both sides in order, and follows the symbol', async () => {
    const { page, troubles } = await open(1280, 800, '#BINANCE:BTCUSDT/1s');
    let former = 0;
    for (const symbol of ['BINANCE:BTCUSDT', 'COINBASE:ETH-USD', 'BACKPACK:SOL_USDC']) {
      await page.locator(`[data-symbol="${symbol}"]`).click();
      const { bids, asks } = await json<{ bids: [string, string][]; asks: [string, string][] }>(
        `symbols/${symbol}/book?depth=${levelsShown}`,
      );
      expect([bids.length, asks.length]).toEqual([levelsShown, levelsShown]);
      const best = Number(bids[0]![0]);
      expect(Math.abs(best / former - 1)).toBeGreaterThan(0.1);
      const isOfSymbol = (price: number | undefined): boolean => Math.abs((price ?? 0) / best - 1) < 0.01;
      const shown = await eventually(
        () => book(page),
        (levels) => levels.bids.length === levelsShown && isOfSymbol(levels.bids[0]),
      );
      // The asks stand above, their best nearest to the middle: from top to bottom all prices fall.
      const column = [...shown.asks, ...shown.bids];
      expect(column).toHaveLength(2 * levelsShown);
      expect(column).toEqual(column.toSorted((left, right) => right - left));
      expect(new Set(column).size).toBe(2 * levelsShown);
      expect(column.filter((price) => !isOfSymbol(price))).toEqual([]);
      expect(shown.sizes.every((size) => size > 0)).toBe(true);
      expect(shown.state).toBe(`spread ${shown.spread}`);
      await eventually(
        () => book(page),
        (now) => JSON.stringify(now) !== JSON.stringify(shown),
      );
      if (former === 0) await page.screenshot({ path: join(artefacts, 'page-book.png') });
      former = best;
    }
    expect(troubles).toEqual([]);
    await page.close();
  });

  test('an index has candles and a price, and no order book', async () => {
    const { page, troubles } = await open(1280, 800, '#BINANCE:BTCUSDT/1s');
    await eventually(
      () => book(page),
      ({ bids }) => bids.length === levelsShown,
    );
    await page.locator('[data-symbol="INDEX:BTCUSD"]').click();
    await eventually(
      () => text(page, '#title'),
      (title) => title === 'BTC/USD',
    );
    const first = await eventually(
      () => chartData(page),
      ({ bars, loading }) => Number(bars) >= 3 && loading === 'false',
    );
    await eventually(
      () => chartData(page),
      ({ last }) => last !== first['last'],
    );
    expect(await colouredPixels(page)).toBeGreaterThan(200);
    const of = await json<{ bars: { close: number }[] }>(
      'symbols/BINANCE:BTCUSDT/bars?resolution=1s&limit=1',
    );
    const price = Number((await text(page, '#price')).replaceAll(narrowSpace, ''));
    expect(Math.abs(price / of.bars[0]!.close - 1)).toBeLessThan(0.01);
    expect(await book(page)).toMatchObject({
      bids: [],
      asks: [],
      sizes: [],
      state: 'no order book of this symbol',
    });
    await page.screenshot({ path: join(artefacts, 'page-index.png') });
    expect(troubles).toEqual([]);
    await page.close();
  });

  test('symbol and resolution are switched by keyboard and by pointer, also faster than the server answers', async () => {
    const { page, troubles } = await open(1280, 800);
    await eventually(
      () => chartData(page),
      ({ bars }) => Number(bars) > 0,
    );
    await page.locator('#symbols').focus();
    for (let presses = 0; presses < 5; presses++) await page.keyboard.press('ArrowDown');
    await page.keyboard.press('ArrowUp');
    const listed = await json<{ symbol: string; name: string }[]>('symbols');
    const chosen = listed[4]!;
    await eventually(
      () => text(page, '#title'),
      (title) => title === chosen.name,
    );
    const isOf = async (symbol: string): Promise<boolean> => {
      const { last } = await chartData(page);
      const { bars } = await json<{ bars: { low: number; high: number }[] }>(
        `symbols/${symbol}/bars?resolution=1M`,
      );
      const close = Number(last?.split(':')[2]);
      return close >= bars.at(-1)!.low * 0.9 && close <= bars.at(-1)!.high * 1.1;
    };
    await eventually(() => isOf(chosen.symbol), Boolean);
    expect(page.url()).toContain(`#${chosen.symbol}/1s`);

    await page.locator('[data-symbol="BINANCE:ETHUSDT"]').click();
    await page.getByLabel('5s', { exact: true }).click();
    await eventually(
      () => text(page, '#title'),
      (title) => title === 'ETH/USDT',
    );
    await eventually(() => isOf('ETHUSDT'), Boolean);
    const five = await eventually(
      () => chartData(page),
      ({ last }) => Number(last?.split(':')[0]) % 5 === 0,
    );
    await eventually(
      () => chartData(page),
      ({ last }) => last !== five['last'] && Number(last?.split(':')[0]) % 5 === 0,
    );
    await eventually(
      () => text(page, '#bid'),
      (price) => /\d/.test(price),
    );

    await page.locator('#filter').fill('binance:doge');
    await eventually(
      () => page.locator('[role=option]').count(),
      (count) => count === 1,
    );
    await page.keyboard.press('Enter');
    await eventually(
      () => text(page, '#title'),
      (title) => title === 'DOGE/USDT',
    );
    expect(await text(page, '#notices')).toBe('');
    expect(troubles).toEqual([]);
    await page.close();
  });

  test('a damaged frame and a trade that nobody announced as missing are told', async () => {
    const page = await browser.newPage();
    let toDamage = 0;
    let toDrop = 0;
    await page.routeWebSocket(/\/api\/v1\/ws/, (socket) => {
      const server = socket.connectToServer();
      server.onMessage((message) => {
        if (typeof message === 'string') return socket.send(message);
        const kind = message[16]! & 0x1f;
        if (kind === 1 && toDrop > 0) {
          toDrop--;
          return;
        }
        if (toDamage > 0) {
          toDamage--;
          message[message.length - 1]! ^= 1;
        }
        socket.send(message);
      });
    });
    await page.goto(`${demo.url}#BINANCE:BTCUSDT/1s`);
    await eventually(
      () => page.locator('#tape tr.up, #tape tr.down').count(),
      (count) => count > 3,
    );
    toDamage = 1;
    await eventually(
      () => text(page, '#faults'),
      (count) => count === '1',
    );
    expect(await text(page, '#notices')).toContain('bad-crc');
    toDrop = 1;
    await eventually(
      () => text(page, '#jumps'),
      (count) => Number(count) > 0,
    );
    expect(await text(page, '#notices')).toMatch(/BTCUSDT: trades? \d+.* did not come, and nobody said so/);
    await state(page, 'live');
    await page.close();
  });

  test('it fits a phone, where nothing is wider than the screen', async () => {
    const { page, troubles } = await open(390, 844, '#BINANCE:ETHUSDT/1s');
    await eventually(
      () => chartData(page),
      ({ bars }) => Number(bars) >= 3,
    );
    await eventually(
      () => text(page, '#level'),
      (level) => /\d/.test(level),
    );
    expect(await page.evaluate('document.documentElement.scrollWidth - innerWidth')).toBeLessThanOrEqual(0);
    await page.screenshot({ path: join(artefacts, 'page-phone.png'), fullPage: true });
    expect(troubles).toEqual([]);
    await page.close();
  });

  test('the server goes and comes back: the page says so, and goes on by itself', async () => {
    const { page } = await open(1280, 800, '#BINANCE:BTCUSDT/1s');
    await eventually(
      () => chartData(page),
      ({ bars }) => Number(bars) >= 3,
    );
    const { port } = demo;
    expect(await demo.stop()).toBe(0);
    await state(page, 'reconnecting');
    expect(await text(page, '#latency')).toBe('–');
    const stood = (await chartData(page))['last'];
    demo = await startDemo(port);
    await state(page, 'live');
    await eventually(
      () => chartData(page),
      ({ last }) => last !== stood,
    );
    const price = await text(page, '#price');
    await eventually(
      () => text(page, '#price'),
      (now) => now !== price,
    );
    expect(await text(page, '#repeated')).toBe('0');
    await page.close();
  });
});
