import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { startSimulator } from '../../src/simulator/simulator.ts';
import { SimulatorFault } from '../../src/simulator/simulator-fault.ts';
import { connect, get, type Loose, play, scratchFolder, simulate } from './client.ts';

const startMs = Date.UTC(2025, 5, 1, 12);

function tradeLine(
  afterMs: number,
  id: number,
  price: string,
  size: string,
  timeMs: number,
  symbol = 'ABCUSDT',
): string {
  const data = {
    e: 'trade',
    E: timeMs + 1,
    s: symbol,
    t: id,
    p: price,
    q: size,
    T: timeMs,
    m: id % 2 === 0,
    M: true,
  };
  return line(afterMs, { stream: `${symbol.toLowerCase()}@trade`, data });
}

function line(afterMs: number, message: object): string {
  return `${startMs + afterMs}000000\t${JSON.stringify(message)}`;
}

function write(lines: readonly string[], end = '\n'): string {
  const file = join(scratchFolder(), 'recording.tsv.gz');
  writeFileSync(file, gzipSync(lines.join('\n') + end));
  return file;
}

describe('a recording', () => {
  const mixed = [
    tradeLine(0, 1, '1.50000000', '2.00000000', startMs),
    tradeLine(5, 7, '0.00001200', '1000000000.00000000', startMs + 4, 'PEPEUSDT'),
    line(6, {
      lastUpdateId: 101,
      bids: [['1.49000000', '3.00000000']],
      asks: [['1.51000000', '4.00000000']],
    }),
    line(8, {
      stream: 'abcusdt@depth@100ms',
      data: {
        e: 'depthUpdate',
        E: startMs + 8,
        s: 'ABCUSDT',
        U: 100,
        u: 105,
        b: [['1.48500000', '1.00000000']],
        a: [
          ['1.51000000', '0.00000000'],
          ['1.52000000', '2.50000000'],
        ],
      },
    }),
    line(9, { result: null, id: 1 }),
    line(10, {
      stream: 'abcusdt@kline_1m',
      data: {
        e: 'kline',
        E: startMs + 10,
        s: 'ABCUSDT',
        k: {
          t: startMs,
          T: startMs + 59_999,
          s: 'ABCUSDT',
          i: '1m',
          f: 1,
          L: 1,
          o: '1.5',
          c: '1.5',
          h: '1.5',
          l: '1.5',
          v: '2',
          n: 1,
          x: false,
          q: '3',
          V: '2',
          Q: '3',
          B: '0',
        },
      },
    }),
    line(12, {
      stream: 'agg1btc@aggTrade',
      data: {
        e: 'aggTrade',
        E: startMs + 12,
        s: 'AGG1BTC',
        a: 50,
        p: '0.00000638',
        q: '177.00000000',
        f: 90,
        l: 93,
        T: startMs + 12,
        m: true,
        M: true,
      },
    }),
    line(13, {
      stream: 'abcusdt@bookTicker',
      data: { u: 106, s: 'ABCUSDT', b: '1.48500000', B: '1.00000000', a: '1.52000000', A: '2.50000000' },
    }),
    line(13, {
      stream: 'abcusdt@trade',
      data: {
        e: 'trade',
        E: (startMs + 1_013) * 1_000,
        s: 'ABCUSDT',
        t: 2,
        p: '1.52500000',
        q: '0.12500000',
        T: (startMs + 1_013) * 1_000,
        m: false,
        M: true,
      },
    }),
    tradeLine(9_000, 3, '1.40000000', '1.00000000', startMs + 61_000),
  ];
  const played = mixed
    .map((text) => text.slice(text.indexOf('\t') + 1))
    .filter((text) => text.includes('"stream"'));

  test.each(['max', 400] as const)(
    'is delivered byte for byte, every line once and in order, at speed %s',
    async (speed) => {
      const simulator = await simulate({ recording: { file: write(mixed), speed }, hold: true });
      expect(await play(simulator)).toEqual(played);
      const report = simulator.report();
      expect(report.balanced).toBe(true);
      expect(report.recording).toEqual({ lines: 10, messages: 8, snapshots: 1, skipped: 1, torn: false });
      expect(report.produced).toEqual({
        trade: 4,
        aggTrade: 1,
        bookTicker: 1,
        kline: 1,
        depth: 1,
        miniTicker: 0,
        ticker: 0,
        blockTrade: 0,
        heartbeat: 0,
        other: 0,
      });
    },
  );

  test('with lines that are none before its first message begins at once, and time begins with it', async () => {
    const file = write(['# a remark', '', '1\t{"lost":true', ...mixed.slice(0, 2)]);
    const simulator = await simulate({ recording: { file, speed: 1 }, hold: true });
    expect(simulator.range?.firstMs).toBe(startMs);
    expect(await play(simulator)).toEqual(played.slice(0, 2));
    expect(simulator.report().recording).toMatchObject({ lines: 4, messages: 2, skipped: 2 });
  });

  test('says what is in it: symbols, digits, streams and the span of its times', async () => {
    const simulator = await simulate({ recording: { file: write(mixed), speed: 'max' }, hold: true });
    expect(simulator.range).toEqual({ firstMs: startMs, lastMs: startMs + 61_001 });
    expect(simulator.listing).toEqual([
      {
        symbol: 'ABCUSDT',
        base: 'ABC',
        quote: 'USDT',
        tickSize: '0.00100000',
        stepSize: '0.00100000',
        streams: ['trade', 'depth@100ms', 'kline_1m', 'bookTicker'],
      },
      {
        symbol: 'PEPEUSDT',
        base: 'PEPE',
        quote: 'USDT',
        tickSize: '0.00000100',
        stepSize: '1.00000000',
        streams: ['trade'],
      },
      {
        symbol: 'AGG1BTC',
        base: 'AGG1',
        quote: 'BTC',
        tickSize: '0.00000001',
        stepSize: '1.00000000',
        streams: ['aggTrade'],
      },
    ]);
    const { body } = await get(simulator, '/api/v3/exchangeInfo');
    expect(body.symbols.map((row: Loose) => [row.symbol, row.filters[0].tickSize])).toEqual([
      ['ABCUSDT', '0.00100000'],
      ['PEPEUSDT', '0.00000100'],
      ['AGG1BTC', '0.00000001'],
    ]);
  });

  test('shows over REST what has been played, and nothing before', async () => {
    const simulator = await simulate({ recording: { file: write(mixed), speed: 'max' }, hold: true });
    expect((await get(simulator, '/api/v3/historicalTrades?symbol=ABCUSDT&fromId=1')).body).toEqual([]);
    expect((await get(simulator, '/api/v3/klines?symbol=ABCUSDT&interval=1m')).body).toEqual([]);
    expect((await get(simulator, '/api/v3/time')).body.serverTime).toBe(startMs);
    await play(simulator);
    expect((await get(simulator, '/api/v3/time')).body.serverTime).toBe(startMs + 61_001);
    const trades = (await get(simulator, '/api/v3/historicalTrades?symbol=ABCUSDT&fromId=2')).body;
    expect(trades.map((row: Loose) => [row.id, row.price, row.qty, row.quoteQty, row.time])).toEqual([
      [2, '1.52500000', '0.12500000', '0.19062500', startMs + 1_013],
      [3, '1.40000000', '1.00000000', '1.40000000', startMs + 61_000],
    ]);
    const minutes = (await get(simulator, '/api/v3/klines?symbol=ABCUSDT&interval=1m')).body;
    expect(minutes).toEqual([
      [
        startMs,
        '1.50000000',
        '1.52500000',
        '1.50000000',
        '1.52500000',
        '2.12500000',
        startMs + 59_999,
        '3.19062500',
        2,
        '2.12500000',
        '3.19062500',
        '0',
      ],
      [
        startMs + 60_000,
        '1.40000000',
        '1.40000000',
        '1.40000000',
        '1.40000000',
        '1.00000000',
        startMs + 119_999,
        '1.40000000',
        1,
        '1.00000000',
        '1.40000000',
        '0',
      ],
    ]);
    expect(
      (await get(simulator, '/api/v3/klines?symbol=ABCUSDT&interval=1s&limit=2')).body.map(
        (row: Loose) => row[0],
      ),
    ).toEqual([startMs + 1_000, startMs + 61_000]);
    expect((await get(simulator, '/api/v3/aggTrades?symbol=AGG1BTC&fromId=50')).body).toEqual([
      { a: 50, p: '0.00000638', q: '177.00000000', f: 90, l: 93, T: startMs + 12, m: true, M: true },
    ]);
    expect((await get(simulator, '/api/v3/klines?symbol=AGG1BTC&interval=1h')).body[0][8]).toBe(4);
    expect((await get(simulator, '/api/v3/depth?symbol=ABCUSDT')).body).toEqual({
      lastUpdateId: 105,
      bids: [
        ['1.49000000', '3.00000000'],
        ['1.48500000', '1.00000000'],
      ],
      asks: [['1.52000000', '2.50000000']],
    });
    expect((await get(simulator, '/api/v3/ticker/bookTicker?symbol=ABCUSDT')).body.bidPrice).toBe(
      '1.48500000',
    );
  });

  test('goes bare to /ws, to two connections alike, and only where it was subscribed to', async () => {
    const simulator = await simulate({ recording: { file: write(mixed), speed: 'max' }, hold: true });
    const one = await connect(simulator, '/ws/abcusdt@trade');
    const two = await connect(simulator, '/stream?streams=abcusdt@trade/pepeusdt@trade/nothing@trade');
    simulator.start();
    await simulator.finished;
    const own = played.filter((text) => text.includes('abcusdt@trade'));
    expect(await one.until(3)).toEqual(own.map((text) => JSON.stringify(JSON.parse(text).data)));
    expect(await two.until(4)).toEqual(played.filter((text) => text.includes('@trade')));
  });

  test('trades out of order and twice are played as they are, but make one bar', async () => {
    const lines = [3, 1, 2, 2, 4].map((id, i) =>
      tradeLine(i, id, `${id}.00000000`, '1.00000000', startMs + id),
    );
    const simulator = await simulate({ recording: { file: write(lines), speed: 'max' }, hold: true });
    expect(await play(simulator)).toHaveLength(5);
    const { body } = await get(simulator, '/api/v3/historicalTrades?symbol=ABCUSDT&fromId=0');
    expect(body.map((row: Loose) => row.id)).toEqual([1, 2, 3, 4]);
    const [bar] = (await get(simulator, '/api/v3/klines?symbol=ABCUSDT&interval=1m')).body;
    expect(bar.slice(1, 6)).toEqual(['1.00000000', '4.00000000', '1.00000000', '4.00000000', '4.00000000']);
  });

  test('cut off in the middle, as by a killed recorder, is played as far as it goes', async () => {
    const lines = Array.from({ length: 2_000 }, (_, i) =>
      tradeLine(i, i, '1.00000000', `${(i * 7_919) % 10_007}.00000000`, startMs + i),
    );
    const whole = gzipSync(lines.join('\n'));
    const file = join(scratchFolder(), 'torn.tsv.gz');
    writeFileSync(file, whole.subarray(0, whole.length >> 1));
    const simulator = await simulate({ recording: { file, speed: 'max' }, hold: true });
    const messages = await play(simulator);
    expect(messages.length).toBeGreaterThan(100);
    expect(messages.every((text, i) => JSON.parse(text).data.t === i)).toBe(true);
    expect(simulator.report().recording?.torn).toBe(true);
  });

  test('a slow reader slows it down at full speed, and loses nothing', async () => {
    const filling = 'x'.repeat(700);
    const lines = Array.from({ length: 40_000 }, (_, i) =>
      line(i, { stream: 'abcusdt@trade', data: { e: 'trade', t: i, X: filling } }),
    );
    const simulator = await simulate({ recording: { file: write(lines), speed: 'max' }, hold: true });
    const client = await connect(simulator, '/stream?streams=abcusdt@trade');
    client.socket.pause();
    simulator.start();
    await new Promise((resolve) => setTimeout(resolve, 400));
    const handed = simulator.report().sent.trade;
    expect(handed).toBeLessThan(40_000);
    client.socket.resume();
    await simulator.finished;
    const messages = await client.until(40_000);
    expect(messages.every((text, i) => text.includes(`"t":${i},`))).toBe(true);
  });

  test.each([
    [
      'a missing file',
      () => join(scratchFolder(), 'none.tsv.gz'),
      /^There is no recording .*none\.tsv\.gz; check the path\.$/,
    ],
    ['a folder', () => scratchFolder(), /cannot be read .*; check the path/],
    [
      'what is not gzip',
      () => plain('1\t{}\n'),
      /is not sound gzip .*; give a recording packed with gzip\.$/,
    ],
    ['an empty recording', () => write([], ''), /holds no message of a Binance combined stream; give/],
    [
      'another format',
      () => write(['hello', '1\tworld', '2\t{"type":"match"}']),
      /holds no message of a Binance combined stream; give/,
    ],
  ])('%s is a fault in one sentence that says what to do', async (_name, file, message) => {
    const failed = await startSimulator({ recording: { file: file(), speed: 1 } }).catch(
      (error: unknown) => error,
    );
    expect(failed).toBeInstanceOf(SimulatorFault);
    expect((failed as Error).message).toMatch(message);
  });

  test('a taken port is a fault too', async () => {
    const { port } = await simulate({ hold: true });
    await expect(startSimulator({ port, hold: true })).rejects.toThrow(
      new SimulatorFault(
        `Port ${port} on 127.0.0.1 is taken by another program; choose another port, or 0 for any free one.`,
      ),
    );
  });
});

function plain(text: string): string {
  const file = join(scratchFolder(), 'plain.tsv.gz');
  writeFileSync(file, text);
  return file;
}
