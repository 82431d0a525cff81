/** Messages no exchange should send, and some that exchanges have sent. */
import type { Dice } from './dice.ts';

const tenMegabytes = 10 * 1024 * 1024;

type Spoil = (text: string, dice: Dice) => string | Buffer;

const spoils: readonly Spoil[] = [
  truncated,
  (text) => withPrice(text, '1234.5'), // a number where a string belongs
  (text) => withPrice(text, 'null'),
  (text) => withPrice(text, '{}'),
  (text) => withPrice(text, 'NaN'),
  (text) => withPrice(text, '"NaN"'),
  (text) => withPrice(text, '1e309'),
  (text) => withPrice(text, '"1e309"'),
  (text) => withPrice(text, '"-1.00000000"'),
  (text) => withPrice(text, '"0.00000000"'),
  (text) => withPrice(text, '""'),
  (text) => withPrice(text, '"1,25"'),
  (text) => withPrice(text, `"1.${'3'.repeat(40)}"`),
  (text) => withPrice(text, `"${'9'.repeat(40)}"`),
  (text) =>
    text.replace(/"s":"[^"]*"/, '"s":"NOSUCHUSDT"').replace(/"stream":"[^"@]*@/, '"stream":"nosuchusdt@'),
  (text) =>
    text.replace(/"s":"[^"]*"/, '"s":"__proto__"').replace(/"stream":"[^"@]*@/, '"stream":"__proto__@'),
  (text) => text.replace(/"e":"[^"]*"/, '"e":"surprise"').replace(/@[^"]*"/, '@surprise"'),
  () => '{"__proto__":{"polluted":true},"constructor":{"prototype":{"polluted":true}}}',
  (text) => text.replace('"data":{', '"data":{"__proto__":{"polluted":true},'),
  () => '['.repeat(10_000) + ']'.repeat(10_000),
  () => '{"a":'.repeat(5_000),
  (text) =>
    Buffer.concat([Buffer.from(text.slice(0, -1)), Buffer.from([0xff, 0xc0, 0x80, 0xed, 0xa0, 0x80])]),
  (text) => text.replace(/("[pb]"):("[^"]*")/, '$1:$2,$1:"0.00000001"'), // the same key twice
  (text) => `\ufeff${text}`,
  () => '',
  () => 'null',
  () => '[]',
  () => '"trade"',
  () => '12345678901234567890',
  (text) => text.replace(/"([tuaEU])":\d+/g, '"$1":"soon"'),
  (text) => text.replace(/"([EuT])":(\d+)/g, '"$1":-$2'),
];

/** One piece of garbage; it resembles the true message `sample` where it can. One in 400 is of ten megabytes. */
export function garbage(dice: Dice, sample: Buffer): string | Buffer {
  if (dice.below(400) === 0) return `{"stream":"btcusdt@trade","data":"${'x'.repeat(tenMegabytes)}"}`;
  const text = sample.toString('latin1');
  const spoilt = spoils[dice.below(spoils.length)]!(text, dice);
  return spoilt === text ? truncated(text, dice) : spoilt; // nothing there to spoil in that way
}

function truncated(text: string, dice: Dice): string {
  return text.slice(0, 1 + dice.below(text.length - 1));
}

function withPrice(text: string, price: string): string {
  return text.replace(/("[pbc]"):"[^"]*"/, `$1:${price}`);
}
