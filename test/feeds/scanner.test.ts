/** The byte scanner may decline, but what it accepts must be what the obvious reader says. */
import { describe, expect, test } from 'vitest';
import { BinanceReader } from '../../src/feeds/binance/normalise.ts';
import { BinanceScanner } from '../../src/feeds/binance/scanner.ts';
import { readDecimal } from '../../src/feeds/decimal.ts';
import { recordedTimes } from '../../src/feeds/normaliser.ts';
import { scanDecimal, scanWhole } from '../../src/feeds/scan-number.ts';
import { SymbolTable } from '../../src/feeds/symbol-table.ts';
import { tickRecords } from '../../src/wire/tick-record.ts';
import {
  dice,
  hasData,
  instruments,
  now,
  options,
  quoteText,
  recordAt,
  recorded,
  seed,
  tradeText,
} from './market.ts';

const scanner = new BinanceScanner(options());
const reader = new BinanceReader(options());
const fast = tickRecords(4);
const slow = tickRecords(4);

/** Judges one message; true when the scanner accepted it. */
function judged(bytes: Uint8Array, received = now, one = scanner, other = reader): boolean {
  // The message lies within a larger chunk whose other bytes would go on with it, so that an over-read shows.
  const chunk = new Uint8Array(bytes.length + 40).fill(0x37);
  chunk.set(bytes, 20);
  const accepted = one.scan(chunk, 20, 20 + bytes.length, received, fast);
  // And at the end of one, so that an over-read throws.
  const tight = one.scan(Uint8Array.from(bytes), 0, bytes.length, received, fast);
  if (tight !== accepted)
    throw new Error(`the chunk around decides: ${Buffer.from(bytes).toString('latin1')}`);
  if (!accepted) return false;
  const answer = other.normalise(bytes, 0, bytes.length, received, slow);
  const [scanned, read] = [recordAt(fast, 0), recordAt(slow, 0)];
  if (answer !== 1 || scanned.some((word, i) => word !== read[i])) {
    const text = Buffer.from(bytes).toString('latin1');
    throw new Error(`${text}: the reader says ${answer}, ${read.join()}; the scanner ${scanned.join()}`);
  }
  return true;
}

const encode = (text: string): Uint8Array => new TextEncoder().encode(text);

const recordings = ['binance-spot-btcusdt-2024-08-08.tsv.gz', 'binance-spot-4symbols-2021-10-12.tsv.gz'];

describe('recorded messages', () => {
  test.skipIf(!hasData(...recordings)).each(recordings)(
    '%s: scanned as read, and none of ours declined',
    (name) => {
      const lines = recorded(name);
      const plausible = recordedTimes(lines[0]!.received, lines.at(-1)!.received);
      const changed = options({
        plausible,
        tradesOf: () => (name.includes('4symbols') ? 'aggTrade' : 'trade'),
      });
      const one = new BinanceScanner(changed);
      const other = new BinanceReader(changed);
      let ours = 0;
      let accepted = 0;
      for (const { received, text } of lines) {
        const isOurs = /^\{"stream":"[^"]*@(trade|aggTrade|bookTicker)"/.test(text);
        if (isOurs) ours++;
        // Raw streams send the data alone.
        const raw = text.startsWith('{"stream"') ? text.slice(text.indexOf('"data":') + 7, -1) : text;
        if (judged(encode(text), received, one, other) && judged(encode(raw), received, one, other))
          accepted++;
      }
      expect(accepted).toBe(ours);
      expect(ours).toBeGreaterThan(50);
    },
  );
});

describe('shapes', () => {
  const texts = {
    trade: tradeText(),
    'trade, taker bought': tradeText({ m: false }),
    'trade with order ids': tradeText().replace(',"T"', ',"b":88,"a":99,"T"'),
    'trade in µs': tradeText({ E: now, T: now - 1 }),
    aggTrade: JSON.stringify({
      stream: 'ethusdt@aggTrade',
      data: {
        e: 'aggTrade',
        E: now / 1_000,
        s: 'ETHUSDT',
        a: 7,
        p: '1.5',
        q: '100',
        f: 8,
        l: 9,
        T: now / 1_000,
        m: false,
        M: true,
      },
    }),
    bookTicker: quoteText(),
    'sizes of zero': quoteText({ B: '0.00000000', A: '0' }),
    'short decimals': quoteText({ b: '1', B: '2', a: '3', A: '4.00001' }),
    'a long symbol': tradeText({ s: 'LONGSYMBOLNAMEUSDT', p: '1.1', q: '2.2' }, 'longsymbolnameusdt@trade'),
    'a symbol in Chinese': tradeText({ s: '币安人生USDT', p: '1.1', q: '2.2' }, '币安人生usdt@trade'),
  };

  test.each(Object.entries(texts))('%s is scanned, combined and raw', (_name, text) => {
    expect(judged(encode(text))).toBe(true);
    expect(judged(encode(JSON.stringify(JSON.parse(text).data)))).toBe(true);
  });

  test.each([
    ['a symbol of three letters', tradeText({ s: 'ABC' }, 'abc@trade')],
    ['another key order', '{"data":{"u":1},"stream":"btcusdt@bookTicker"}'.padEnd(120)],
    ['a stream of another symbol', tradeText({}, 'ethusdt@trade')],
    ['a space', tradeText().replace(':', ': ')],
    ['one byte more', `${tradeText()} `],
    ['a leading zero in an id', tradeText().replace('"t":3', '"t":03')],
    ['an unsafe id', tradeText().replace(/"t":\d+/, '"t":9007199254740993')],
    ['too precise', tradeText({ p: '1.00100000' })],
    ['zero', tradeText({ q: '0.00000000' })],
    ['crossed', quoteText({ a: '1.00000000' })],
    ['the other kind of trades', tradeText({ s: 'ETHUSDT' }, 'ethusdt@trade')],
    ['a time out of reach', tradeText({ T: now / 1_000 - 86_400_000 })],
  ])('declines %s', (_name, text) => {
    expect(judged(encode(text))).toBe(false);
  });
});

test(`random valid messages are scanned as read (SEED=${seed})`, () => {
  const roll = dice(seed);
  const below = (n: number): number => Math.floor(roll() * n);
  let accepted = 0;
  const rounds = 20_000;
  for (let i = 0; i < rounds; i++) {
    const { native, priceDecimals, sizeDecimals } = instruments[below(instruments.length)]!;
    const decimal = (decimals: number): string => {
      const kept = below(10 ** Math.min(decimals, 9)) + (decimals > 0 ? 1 : 0);
      const fraction = String(kept).padStart(decimals, '0').slice(-decimals).padEnd(8, '0');
      return `${below(10 ** (1 + below(8)))}${decimals === 0 ? (roll() < 0.5 ? '' : '.00000000') : `.${fraction}`}`;
    };
    const time = now / 1_000 - below(1_000_000);
    const text =
      roll() < 0.5
        ? quoteText(
            {
              u: below(2 ** 48),
              s: native,
              b: decimal(priceDecimals),
              B: decimal(sizeDecimals),
              a: decimal(priceDecimals),
              A: decimal(sizeDecimals),
            },
            `${native.toLowerCase()}@bookTicker`,
          )
        : tradeText(
            {
              E: time,
              s: native,
              t: below(2 ** (1 + below(50))),
              p: decimal(priceDecimals),
              q: decimal(sizeDecimals),
              T: time,
              m: roll() < 0.5,
            },
            `${native.toLowerCase()}@trade`,
          );
    if (judged(encode(text))) accepted++;
  }
  expect(accepted).toBeGreaterThan(rounds / 3);
});

test(`mutated messages: what the scanner still accepts is what the reader says (SEED=${seed})`, () => {
  const roll = dice(seed);
  const below = (n: number): number => Math.floor(roll() * n);
  const texts = [
    tradeText(),
    quoteText(),
    tradeText({ m: false }),
    JSON.stringify(JSON.parse(quoteText()).data),
  ].map(encode);
  let accepted = 0;
  for (let i = 0; i < 60_000; i++) {
    const bytes = Uint8Array.from(texts[i % texts.length]!);
    for (let k = 1 + below(2); k > 0; k--) {
      const at = below(bytes.length);
      const kind = below(4);
      if (kind === 0) bytes[at] = below(256);
      else if (kind === 1) bytes[at] = 0x30 + below(10);
      else if (kind === 2) bytes[at] = bytes[at]! ^ (1 << below(8));
      else bytes.copyWithin(at, at + 1 + below(3));
    }
    if (judged(roll() < 0.1 ? bytes.subarray(0, below(bytes.length + 1)) : bytes)) accepted++;
  }
  expect(accepted).toBeGreaterThan(1_000);
});

test(`every byte of a message matters: each single change is declined or read alike (SEED=${seed})`, () => {
  let accepted = 0;
  for (const text of [tradeText(), quoteText()]) {
    const bytes = encode(text);
    for (let at = 0; at < bytes.length; at++) {
      for (const to of [
        0x20,
        0x22,
        0x2c,
        0x2e,
        0x30,
        0x39,
        0x3a,
        0x7d,
        bytes[at]! ^ 0x20,
        bytes[at]! ^ 0x80,
      ]) {
        const changed = Uint8Array.from(bytes);
        changed[at] = to;
        if (judged(changed)) accepted++;
      }
    }
  }
  // Digits may change, and letters of a value that nobody reads; nothing else.
  expect(accepted).toBeGreaterThan(50);
  expect(accepted).toBeLessThan(400);
});

test(`numbers are scanned as they are read (SEED=${seed})`, () => {
  const roll = dice(seed);
  const out = new Float64Array(2);
  const wrong: string[] = [];
  const alphabet = '0123456789012345678900..-e"';
  let accepted = 0;
  for (let i = 0; i < 50_000; i++) {
    const length = 1 + Math.floor(roll() * 18);
    const text = Array.from({ length }, () => alphabet[Math.floor(roll() * alphabet.length)]).join('');
    const bytes = encode(`${text}"                    `);
    const view = new DataView(bytes.buffer);
    const decimals = Math.floor(roll() * 12);
    const after = scanDecimal(view, 0, length + 1, decimals, out, 0);
    if (after === length) {
      if (out[0] !== readDecimal(text, decimals)) wrong.push(`${text} with ${decimals}: ${out[0]}`);
      accepted++;
    }
    const whole = scanWhole(view, 0, bytes.length, out, 1);
    const digits = /^\d+/.exec(text)?.[0];
    if (whole > 0 && (digits !== String(out[1]) || whole !== digits.length)) wrong.push(`${text}: ${out[1]}`);
  }
  expect(wrong).toEqual([]);
  expect(accepted).toBeGreaterThan(4_000);
});

test('the symbol table finds each name, verified to the byte, and nothing else', () => {
  const names = Array.from({ length: 2_000 }, (_, i) => `S${(i * 7_919) % 2_000}${'X'.repeat(i % 20)}USDT`);
  const table = new SymbolTable([...new Set(names)]);
  for (const [i, name] of [...new Set(names)].entries()) {
    const bytes = encode(`"${name}"`);
    expect(table.find(new DataView(bytes.buffer), 1, bytes.length - 1)).toBe(i);
    bytes[3] = bytes[3]! ^ 0x20;
    expect(table.find(new DataView(bytes.buffer), 1, bytes.length - 1)).toBe(-1);
  }
  expect(() => new SymbolTable(['BTCUSDT', 'BTCUSDT'])).toThrow('listed twice');
});
