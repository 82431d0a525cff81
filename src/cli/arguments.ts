/** What the user typed, checked: a command and its options. */
import { parseArgs } from 'node:util';
import { nearest } from '../config/nearest.ts';
import type { BackfillArguments, SymbolsArguments } from './backfill-options.ts';
import {
  allOptions,
  type CommandName,
  commands,
  type OptionName,
  optionsOf,
  wordy,
} from './command-options.ts';
import type { RecordArguments } from './record-options.ts';

/** The user asked for something that cannot be done; the message says what to do. Exit code 2. */
export class UsageFault extends Error {
  override readonly name = 'UsageFault';
}

export interface DemoOptions {
  readonly recording: string | undefined;
  /** Times the recorded speed, or as fast as it goes. */
  readonly speed: number | 'max';
  /** As given to the simulator: `drop,duplicate:0.01`. */
  readonly fault: string | undefined;
  readonly seed: number;
  readonly symbols: number;
  /** Messages a second of the simulated market. */
  readonly rate: number;
  /** Seconds a recording waits for its first client. */
  readonly wait: number;
  /** End by itself when a recording has been played. */
  readonly exit: boolean;
}

export interface Command {
  readonly name: CommandName;
  /** Of `demo` and `replay`. */
  readonly demo: DemoOptions;
  /** A replay in one process, under the recording's clock. */
  readonly offline: boolean;
  readonly record: RecordArguments;
  readonly backfill: BackfillArguments;
  readonly symbols: SymbolsArguments;
  /** Configuration keys by path, as `loadConfig` takes them. */
  readonly settings: Readonly<Record<string, unknown>>;
  /** What was typed for each of them, such as `--port`: for messages. */
  readonly typed: Readonly<Record<string, string>>;
}

/** Options for keys that are set often. */
const shortcuts = [
  ['port', 'server.port'],
  ['host', 'server.host'],
  ['data', 'dataDir'],
] as const;

/** @throws UsageFault when something is unknown or out of range */
export function readArguments(given: readonly string[]): Command {
  const { values, positionals } = parse(given);
  if (values.help === true) return command('help', [], values);
  if (values.version === true) return command('version', [], values);
  const [name = 'help', ...words] = positionals;
  if (!isCommand(name)) {
    const meant = nearest(name, commands);
    throw new UsageFault(
      `"${name}" is no command${meant === undefined ? '' : `; did you mean "${meant}"?`} Commands: ${commands.join(', ')}`,
    );
  }
  if (words.length > 0 && !wordy.has(name))
    throw new UsageFault(`"${words[0]}" is one word too many after "${name}"; options begin with --`);
  for (const option of Object.keys(values) as OptionName[]) {
    if (optionsOf[name].has(option)) continue;
    const owners = commands.filter((one) => one !== 'help' && optionsOf[one].has(option));
    throw new UsageFault(`--${option} belongs to ${owners.map((one) => `"tickwire ${one}"`).join(' and ')}`);
  }
  return command(name, words, values);
}

function isCommand(name: string): name is CommandName {
  return (commands as readonly string[]).includes(name);
}

type Values = ReturnType<typeof parse>['values'];

function parse(given: readonly string[]) {
  try {
    return parseArgs({ args: [...given], options: allOptions, allowPositionals: true, strict: true });
  } catch (error) {
    const text = error instanceof Error ? error.message : String(error);
    const option = /option '--?([^'\s]+)/.exec(text)?.[1];
    if (option === undefined || Object.hasOwn(allOptions, option))
      throw new UsageFault(text.split('. ', 1).join());
    // Of the command's own options first.
    const name = given.find((word): word is CommandName => isCommand(word));
    const meant =
      (name === undefined ? undefined : nearest(option, optionsOf[name])) ??
      nearest(option, Object.keys(allOptions));
    throw new UsageFault(
      `--${option} is no option${meant === undefined ? '; see --help' : `; did you mean --${meant}?`}`,
    );
  }
}

function command(name: CommandName, words: readonly string[], values: Values): Command {
  const settings: Record<string, unknown> = {};
  const typed: Record<string, string> = {};
  if (values.config !== undefined) settings['config'] = values.config;
  for (const [option, key] of shortcuts) {
    if (values[option] === undefined) continue;
    settings[key] = values[option];
    typed[key] = `--${option}`;
  }
  for (const pair of values.set ?? []) {
    const cut = pair.indexOf('=');
    if (cut < 1) throw new UsageFault(`--set takes KEY=VALUE, not "${pair}"`);
    const key = pair.slice(0, cut);
    if (key === 'config') throw new UsageFault('--set takes keys of the configuration; its file is --config');
    settings[key] = pair.slice(cut + 1);
    typed[key] = `--set ${key}`;
  }
  return {
    name,
    demo: demoOf(name, words, values),
    offline: values.offline === true,
    record: values,
    backfill: { ...values, words },
    symbols: { words },
    settings,
    typed,
  };
}

function demoOf(name: CommandName, words: readonly string[], values: Values): DemoOptions {
  if (values.recording === '') throw new UsageFault('--recording takes the name of a file');
  if (values.fault?.replaceAll(/[\s,]/g, '') === '')
    throw new UsageFault(`--fault takes a list such as drop,duplicate:0.01, not "${values.fault}"`);
  return {
    recording: name === 'replay' ? fileOf(words, values) : values.recording,
    speed: values.speed === 'max' ? 'max' : numberOf('speed', values.speed, 1, 0.001, 1_000_000, ' or max'),
    fault: values.fault,
    seed: numberOf('seed', values.seed, 1, 0, 2 ** 32 - 1),
    symbols: name === 'demo' ? numberOf('symbols', values.symbols, 24, 1, 600) : 0,
    rate: numberOf('rate', values.rate, 400, 1, 1_000_000),
    wait: numberOf('wait', values.wait, 15, 0, 3_600),
    exit: values.exit === true,
  };
}

/** Of a replay. */
function fileOf([file, extra]: readonly string[], values: Values): string {
  if (file === undefined || file === '') throw new UsageFault('replay takes the name of a recording');
  if (extra !== undefined) throw new UsageFault(`"${extra}" is one word too many after "replay ${file}"`);
  const live = (['speed', 'fault', 'wait', 'exit', 'port', 'host'] as const).find(
    (option) => values[option] !== undefined,
  );
  if (values.offline === true && live !== undefined)
    throw new UsageFault(
      `--${live} has no meaning with --offline: nothing is served, and it goes as fast as it can`,
    );
  return file;
}

function numberOf(
  name: string,
  text: string | undefined,
  usual: number,
  least: number,
  most: number,
  other = '',
): number {
  if (text === undefined) return usual;
  const value = Number(text);
  if (text.trim() === '' || !Number.isFinite(value) || value < least || value > most) {
    throw new UsageFault(`--${name} takes a number from ${least} to ${most}${other}, not "${text}"`);
  }
  return value;
}
