/** Parameters of the read requests: strict, with errors that name the parameter. */
import { z } from 'zod';
import { type Resolution, resolutions } from '../market/resolution.ts';

export const barsLimit = 1_000;
export const rowsMax = 5_000;

/** TradingView's names: minutes as plain numbers, `D`, `1W` … Our own names stand for themselves. */
const aliases: Readonly<Record<string, Resolution>> = {
  '1': '1m',
  '5': '5m',
  '15': '15m',
  '60': '1h',
  '240': '4h',
  '1440': '1d',
  S: '1s',
  '1S': '1s',
  '5S': '5s',
  '1H': '1h',
  '4H': '4h',
  D: '1d',
  '1D': '1d',
  W: '1w',
  '1W': '1w',
  M: '1M',
};

/** Index in `resolutions`; `1m` is a minute, `1M` a month. */
const resolution = z.string().transform((text, context): number => {
  const name = Object.hasOwn(aliases, text) ? aliases[text]! : text;
  const index = (resolutions as readonly string[]).indexOf(name);
  if (index < 0) context.addIssue(`is none of ${resolutions.join(', ')}`);
  return index;
});

const digits = z.string().regex(/^\d{1,16}$/, 'is no whole number');
const whole = z
  .union([z.int({ error: 'is no whole number' }), digits.transform(Number)], { error: 'is no whole number' })
  .pipe(z.int({ error: 'is too large' }).min(0, 'is negative'));

/** Below this a time counts seconds (until the year 5138), from it on milliseconds (from 1973 on). */
const millisFrom = 1e11;
const millisMax = 9e12;
/** Seconds, or milliseconds by magnitude; becomes µs. */
const time = whole.transform((value, context): number => {
  if (value > millisMax) context.addIssue('is neither seconds nor milliseconds since 1970');
  return value < millisFrom ? value * 1_000_000 : value * 1_000;
});

const limit = whole.pipe(z.int().min(1, 'is below 1').max(rowsMax, `is above ${rowsMax}`)).default(barsLimit);

/** Who is asked about: found by the gateway. */
const subject = {
  symbol: z.string(),
  instrument: z.int().min(1),
};
/** Later than any bar. */
const endOfTime = Number.MAX_SAFE_INTEGER;

export const subjectParams = z.strictObject(subject);
export const barsParams = z
  .strictObject({
    ...subject,
    resolution: resolution.default(resolutions.indexOf('1d')),
    from: time.default(0),
    to: time.default(endOfTime),
    limit,
  })
  .refine(({ from, to }) => from <= to, { path: ['from'], message: 'is after to' });
export const tradesParams = z
  .strictObject({ ...subject, fromId: whole.optional(), toId: whole.default(Number.MAX_SAFE_INTEGER), limit })
  .refine(({ fromId, toId }) => (fromId ?? 0) <= toId, { path: ['fromId'], message: 'is above toId' });
export const bookParams = z.strictObject({
  ...subject,
  depth: whole.pipe(z.int().min(1, 'is below 1').max(1_000, 'is above 1000')).default(100),
});
export const noParams = z.strictObject({});

/** One sentence for all that is wrong: `limit is above 5000; from is after to`. */
export function faultsOf(error: z.ZodError): string {
  return error.issues
    .map((issue) =>
      issue.code === 'unrecognized_keys'
        ? `${issue.keys.join(', ')} is no parameter of this request`
        : `${issue.path.join('.')} ${issue.message}`,
    )
    .join('; ');
}
