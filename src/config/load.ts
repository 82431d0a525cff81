/**
 * The configuration of a process, from all its sources into one checked, frozen value:
 * flags > environment and .env > what the command sets > config.yaml > defaults.
 */
import type { z } from 'zod';
import { contradictions } from './contradictions.ts';
import { alsoSets, type Environment, environmentKeys, strangers } from './environment.ts';
import { ConfigFault } from './fault.ts';
import { type ReadText, readText, readYaml, withDotEnv } from './file.ts';
import { nearest } from './nearest.ts';
import { noticesOf } from './notices.ts';
import { type Config, knownKeys, schema } from './schema.ts';

export type { Config } from './schema.ts';

/** Keys by their path: `{ 'server.port': '9000' }`; values as text or already typed. */
export type Settings = Readonly<Record<string, unknown>>;

export interface Sources {
  /** From the command line, by key path; `config` names the file instead of CONFIG_PATH. */
  readonly flags?: Settings;
  /** What the user typed for a key of `flags`, such as `--port`: errors name that instead of key and file. */
  readonly typed?: Readonly<Record<string, string>>;
  readonly environment?: Environment;
  /** What a command changes for itself (the demo binds to 127.0.0.1): over the file, under the environment. */
  readonly preset?: Settings;
  readonly read?: ReadText;
}

export interface Loaded {
  readonly config: Config;
  /** Sentences to print at the start: what is set and not used yet, or looks like a slip. */
  readonly notices: readonly string[];
}

/** A group of keys before it is checked. */
type Raw = Record<string, unknown>;

const depthMax = 20;

/** @throws ConfigFault: one sentence when a file cannot be read, else every wrong key at once */
export function loadConfig(sources: Sources = {}): Loaded {
  const read = sources.read ?? readText;
  const environment = withDotEnv(sources.environment ?? process.env, read);
  const { config: given, ...flags } = sources.flags ?? {};
  if (given !== undefined && typeof given !== 'string') throw new ConfigFault('--config must name a file');
  const byVariable = environment['CONFIG_PATH'] || undefined;
  const askedBy = given !== undefined ? '--config' : byVariable !== undefined ? 'CONFIG_PATH' : undefined;
  const path = given ?? byVariable ?? 'config.yaml';

  const raw: Raw = copyOf(readYaml(path, read, askedBy), path);
  const origins = new Map<string, string>();
  nameOrigins(raw, '', path, origins);
  for (const [key, value] of Object.entries(sources.preset ?? {}))
    put(raw, key, value, 'this command', origins);
  for (const [name, key] of Object.entries(environmentKeys)) {
    const value = environment[name];
    if (value === undefined || value === '') continue;
    const others = (alsoSets[name] ?? []).filter((other) => !origins.has(other));
    for (const each of [key, ...others]) put(raw, each, value, name, origins);
  }
  const typed = new Map(Object.entries(sources.typed ?? {}));
  for (const [key, value] of Object.entries(flags))
    put(raw, key, value, typed.get(key) ?? `--${key}`, origins);

  const config = check(raw, origins, typed, path);
  return { config, notices: [...noticesOf(config, origins), ...strangers(environment, nearest)] };
}

/** Where each key was set, and for those of the command line what was typed. */
type Origins = ReadonlyMap<string, string>;

function check(raw: Raw, origins: Origins, typed: Origins, path: string): Config {
  const result = schema.safeParse(raw);
  const problems = result.success
    ? contradictions(result.data).map(({ key, rule }) => problem(key, raw, origins, typed, rule))
    : result.error.issues.flatMap((issue) => problemsOf(issue, raw, origins, typed));
  if (result.success && problems.length === 0) return freeze(withReconnect(result.data, origins));
  const texts = problems.map(({ text }) => text);
  const fromTyping = problems.every(({ key }) => typed.has(key));
  if (fromTyping && texts.length === 1) throw new ConfigFault(texts[0]!, texts);
  const where = fromTyping ? 'The command line' : `The configuration (${path})`;
  const count = texts.length === 1 ? 'one wrong setting' : `${texts.length} wrong settings`;
  throw new ConfigFault([`${where} has ${count}:`, ...texts].join('\n  '), texts);
}

/** Document 002's `reconnect_interval` is the first wait of the backoff, unless that is set itself. */
function withReconnect(config: z.output<typeof schema>, origins: Origins): Config {
  const { reconnect_interval: interval, backoffMax } = config.exchange;
  if (interval === undefined || origins.has('exchange.backoffMin')) return config;
  const waits = { backoffMin: interval, backoffMax: Math.max(interval, backoffMax) };
  return { ...config, exchange: { ...config.exchange, ...waits } };
}

interface Problem {
  readonly key: string;
  readonly text: string;
}

function problemsOf(issue: z.core.$ZodIssue, raw: Raw, origins: Origins, typed: Origins): Problem[] {
  const group = issue.path.join('.');
  if (issue.code !== 'unrecognized_keys') return [problem(group, raw, origins, typed, issue.message)];
  return issue.keys.map((name) => {
    const key = group === '' ? name : `${group}.${name}`;
    const meant = nearest(key, knownKeys().keys());
    const hint =
      meant === undefined ? `known here are ${namesIn(group).join(', ')}` : `did you mean ${meant}?`;
    return { key, text: `${named(key, origins, typed)} is not a known key; ${hint}` };
  });
}

function namesIn(group: string): string[] {
  const start = group === '' ? '' : `${group}.`;
  const names = [...knownKeys().keys()]
    .filter((key) => key.startsWith(start))
    .map((key) => key.slice(start.length));
  return names.filter((name) => !name.includes('.'));
}

function problem(key: string, raw: Raw, origins: Origins, typed: Origins, rule: string): Problem {
  return { key, text: `${named(key, origins, typed)} is ${shown(key, valueAt(raw, key))}; it ${rule}` };
}

/** What was typed, or the key and where it was set. */
function named(key: string, origins: Origins, typed: Origins): string {
  return typed.get(key) ?? `${key}${from(key, origins)}`;
}

/** Where a key was set, unless the key itself says so: ` (SERVER_PORT)`. */
function from(key: string, origins: Origins): string {
  const origin = origins.get(key);
  return origin === undefined || origin.startsWith(`${key} `) ? '' : ` (${origin})`;
}

/** The value given, short; a secret is not shown, nor the password in a URL. */
function shown(key: string, value: unknown): string {
  if (value === undefined) return 'not set';
  if (knownKeys().get(key)?.secret === true) return '(hidden)';
  const text = JSON.stringify(value).replaceAll(/:\/\/[^@/"]*@/g, '://(hidden)@');
  return text.length > 80 ? `${text.slice(0, 77)}...` : text;
}

function valueAt(raw: Raw, key: string): unknown {
  let value: unknown = raw;
  for (const name of key.split('.'))
    value = isGroup(value) && Object.hasOwn(value, name) ? value[name] : undefined;
  return value;
}

function isGroup(value: unknown): value is Raw {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** A copy to lay the other sources over. An anchor that holds itself would never end: hence `deep`. */
function copyOf(group: Readonly<Raw>, file: string, deep = 0): Raw {
  if (deep > depthMax) throw new ConfigFault(`${file} nests keys deeper than ${depthMax} levels`);
  // Entries are defined, not assigned: a key named __proto__ stays a key, and is then refused as unknown.
  return Object.fromEntries(
    Object.entries(group).map(([key, value]) => [
      key,
      isGroup(value) ? copyOf(value, file, deep + 1) : value,
    ]),
  );
}

function nameOrigins(group: Raw, path: string, file: string, origins: Map<string, string>): void {
  for (const [name, value] of Object.entries(group)) {
    const key = path === '' ? name : `${path}.${name}`;
    if (isGroup(value)) nameOrigins(value, key, file, origins);
    else origins.set(key, `${key} in ${file}`);
  }
}

/** Lays one value over the others; where a group should be and is none, the file's error stays. */
function put(raw: Raw, key: string, value: unknown, origin: string, origins: Map<string, string>): void {
  const names = key.split('.');
  const last = names.pop()!;
  let group = raw;
  for (const name of names) {
    const inner = Object.hasOwn(group, name) ? group[name] : undefined;
    if (inner !== undefined && inner !== null && !isGroup(inner)) return;
    const next: Raw = isGroup(inner) ? inner : {};
    define(group, name, next);
    group = next;
  }
  define(group, last, value);
  origins.set(key, origin);
}

function define(group: Raw, name: string, value: unknown): void {
  Object.defineProperty(group, name, { value, enumerable: true, writable: true, configurable: true });
}

function freeze<T>(value: T): T {
  if (typeof value !== 'object' || value === null) return value;
  for (const inner of Object.values(value)) freeze(inner);
  return Object.freeze(value);
}
