/**
 * The kinds of value a key can have. Each takes what YAML gives and the text of a flag or variable, has a default,
 * and refuses with its rule in words ("must be ..."): the loader adds the key and the value given.
 */
import { z } from 'zod';
import { bytesText, durationText, parseBytes, parseDuration, plainNumber } from './units.ts';

/** Words of a rule, and what makes the value; undefined means refused. */
interface Reading<T> {
  readonly rule: string;
  readonly read: (given: unknown) => T | undefined;
}

/** A value that may be missing altogether. */
export function leaf<T>({ rule, read }: Reading<T>): z.ZodTransform<T> {
  return z.transform<unknown, T>((given, context) => {
    const value = read(given);
    if (value !== undefined) return value;
    context.issues.push({ code: 'custom', message: rule, input: given });
    return z.NEVER;
  });
}

/** A group of keys; none other is allowed in it. Left empty (`server:` alone), all have their defaults. */
export function section<Shape extends z.core.$ZodLooseShape>(shape: Shape) {
  return z.preprocess((given) => given ?? {}, z.strictObject(shape, { error: sectionRule }));
}

function sectionRule(issue: z.core.$ZodRawIssue): string | undefined {
  return issue.code === 'invalid_type' ? 'must be a group of keys' : undefined;
}

function within(value: number | undefined, least: number, most: number): number | undefined {
  return value !== undefined && Number.isInteger(value) && value >= least && value <= most
    ? value
    : undefined;
}

/** A whole number of things. */
export function whole(usual: number, least: number, most: number) {
  const rule = `must be a whole number from ${least} to ${most}`;
  return leaf({ rule, read: (given) => within(plainNumber(given), least, most) }).default(usual);
}

/** A whole number of slots, rounded up to a power of two, as rings need. */
export function slots(usual: number, least: number, most: number) {
  const rule = `must be a whole number from ${least} to ${most}`;
  const read = (given: unknown): number | undefined => roundUp(within(plainNumber(given), least, most));
  return leaf({ rule, read }).default(roundUp(usual)!);
}

function roundUp(value: number | undefined): number | undefined {
  return value === undefined ? undefined : 2 ** Math.ceil(Math.log2(value));
}

/** A length of time: milliseconds in the config. */
export function duration(usual: number, least: number, most: number) {
  return durationWithout(least, most).default(usual);
}

export function durationWithout(least: number, most: number) {
  const rule = `must be a duration from ${durationText(least)} to ${durationText(most)}, such as 5s, 100ms or a number of ms`;
  return leaf({ rule, read: (given) => within(parseDuration(given), least, most) });
}

/** A size in bytes. */
export function bytes(usual: number, least: number, most: number) {
  return leaf({
    rule: bytesRule(least, most),
    read: (given) => within(parseBytes(given), least, most),
  }).default(usual);
}

/** A size in bytes, rounded up to a power of two, as rings need. */
export function ringBytes(usual: number, least: number, most: number) {
  const read = (given: unknown): number | undefined => roundUp(within(parseBytes(given), least, most));
  return leaf({ rule: bytesRule(least, most), read }).default(usual);
}

function bytesRule(least: number, most: number): string {
  return `must be a size from ${bytesText(least)} to ${bytesText(most)}, such as 64KiB or a number of bytes`;
}

export function flag(usual: boolean) {
  return leaf({ rule: 'must be true or false', read: readFlag }).default(usual);
}

function readFlag(given: unknown): boolean | undefined {
  if (given === true || given === 'true' || given === '1') return true;
  return given === false || given === 'false' || given === '0' ? false : undefined;
}

export function oneOf<const T extends string>(usual: NoInfer<T>, choices: readonly T[]) {
  const rule = `must be ${choices.length === 1 ? '' : 'one of '}${choices.join(', ')}`;
  return leaf<T>({ rule, read: (given) => choices.find((choice) => choice === given) }).default(
    usual as never,
  );
}

/** Text of 1 to `most` characters on one line. */
export function text(usual: string, most = 200) {
  return leaf({
    rule: `must be text of 1 to ${most} characters`,
    read: (given) => oneLine(given, most),
  }).default(usual);
}

function oneLine(given: unknown, most: number): string | undefined {
  const sound =
    typeof given === 'string' && given.trim() !== '' && given.length <= most && !/\p{Cc}/u.test(given);
  return sound ? given : undefined;
}

/** A password or token: never shown in an error. May be empty. */
export function secret(usual: string) {
  const rule = 'must be text of at most 1000 characters (in quotes when it looks like a number)';
  return leaf({ rule, read: readSecret }).meta({ secret: true }).default(usual);
}

function readSecret(given: unknown): string | undefined {
  return typeof given === 'string' && given.length <= 1_000 ? given : undefined;
}

/** A URL of one of `schemes`, without a slash at its end. */
export function url(usual: string, schemes: readonly string[]) {
  const rule = `must be a URL that begins with ${schemes.map((scheme) => `${scheme}://`).join(' or ')}`;
  const read = (given: unknown): string | undefined => {
    const line = oneLine(given, 500);
    const parsed = line === undefined ? null : URL.parse(line);
    const sound = parsed !== null && schemes.includes(parsed.protocol.slice(0, -1)) && parsed.hostname !== '';
    return sound ? line!.replace(/\/+$/, '') : undefined;
  };
  return leaf({ rule, read }).default(usual);
}

/** A list without doubles; as text in a flag or variable: `a,b,c`. */
export function list(usual: readonly string[], most: number, each: Reading<string>) {
  const rule = `must be a list of 1 to ${most} different items, each of which ${each.rule}`;
  const read = (given: unknown): readonly string[] | undefined => {
    const items: unknown = typeof given === 'string' ? given.split(',').map((item) => item.trim()) : given;
    if (!Array.isArray(items) || items.length === 0 || items.length > most) return undefined;
    const values = items.map((item) => each.read(item));
    const sound = values.every((value) => value !== undefined) && new Set(values).size === values.length;
    return sound ? values : undefined;
  };
  return leaf<readonly string[]>({ rule, read }).default([...usual]);
}
