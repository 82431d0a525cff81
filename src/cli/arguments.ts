/** What the user typed, checked: a command and its options. */
import { parseArgs } from 'node:util';
import { nearest } from '../config/nearest.ts';

/** The user asked for something that cannot be done; the message says what to do. Exit code 2. */
export class UsageFault extends Error {
  override readonly name = 'UsageFault';
}

export const commands = ['serve', 'demo', 'version', 'help'] as const;
export type CommandName = (typeof commands)[number];

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
  readonly demo: DemoOptions;
  /** Configuration keys by path, as `loadConfig` takes them. */
  readonly settings: Readonly<Record<string, unknown>>;
  /** What was typed for each of them, such as `--port`: for messages. */
  readonly typed: Readonly<Record<string, string>>;
}

const options = {
  config: { type: 'string' },
  port: { type: 'string' },
  host: { type: 'string' },
  data: { type: 'string' },
  set: { type: 'string', multiple: true },
  recording: { type: 'string' },
  speed: { type: 'string' },
  fault: { type: 'string' },
  seed: { type: 'string' },
  symbols: { type: 'string' },
  rate: { type: 'string' },
  wait: { type: 'string' },
  exit: { type: 'boolean' },
  help: { type: 'boolean', short: 'h' },
  version: { type: 'boolean' },
} as const;

/** Options for keys that are set often. */
const shortcuts = [
  ['port', 'server.port'],
  ['host', 'server.host'],
  ['data', 'dataDir'],
] as const;

const demoOnly = ['recording', 'speed', 'fault', 'seed', 'symbols', 'rate', 'wait', 'exit'] as const;

export const usage = `tickwire: a market-data server

  tickwire serve     the server on the exchanges of config.yaml
  tickwire demo      the server with a simulated exchange; nothing else is needed
  tickwire version

Options of serve and demo
  --port N           port of page, HTTP and WebSocket (SERVER_PORT, 8080; 0 takes a free one)
  --host H           address to listen on (demo: 127.0.0.1)
  --data DIR         folder of the embedded stores (TICKWIRE_DATA_DIR, data)
  --config FILE      configuration (CONFIG_PATH, config.yaml)
  --set KEY=VALUE    any other key of the configuration, such as --set workers.count=2

Options of demo
  --recording FILE   play a recorded session (gzip lines: receive time in ns, tab, message)
  --speed N|max      times the recorded speed, or as fast as it goes (1)
  --wait S           a recording begins with its first client, or after S seconds (15)
  --exit             end when the recording has been played
  --fault LIST       drop,duplicate,reorder,disconnect,silence,garbage; each may have a rate, as drop:0.001
  --seed N           of the simulated market (1)
  --symbols N        of the simulated market (24)
  --rate N           messages a second of the simulated market (400)
`;

/** @throws UsageFault when something is unknown or out of range */
export function readArguments(given: readonly string[]): Command {
  const { values, positionals } = parse(given);
  if (values.help === true) return command('help', values);
  if (values.version === true) return command('version', values);
  const [name = 'help', ...rest] = positionals;
  if (rest.length > 0)
    throw new UsageFault(`"${rest[0]}" is one word too many after "${name}"; options begin with --`);
  if (!(commands as readonly string[]).includes(name)) {
    const meant = nearest(name, commands);
    throw new UsageFault(
      `"${name}" is no command${meant === undefined ? '' : `; did you mean "${meant}"?`} Commands: ${commands.join(', ')}`,
    );
  }
  if (name !== 'demo') {
    const wrong = demoOnly.find((option) => values[option] !== undefined);
    if (wrong !== undefined) throw new UsageFault(`--${wrong} belongs to "tickwire demo"`);
  }
  return command(name as CommandName, values);
}

type Values = ReturnType<typeof parse>['values'];

function parse(given: readonly string[]) {
  try {
    return parseArgs({ args: [...given], options, allowPositionals: true, strict: true });
  } catch (error) {
    const text = error instanceof Error ? error.message : String(error);
    const option = /option '--?([^'\s]+)/.exec(text)?.[1];
    const meant = option === undefined ? undefined : nearest(option, Object.keys(options));
    if (option === undefined || Object.hasOwn(options, option))
      throw new UsageFault(text.split('. ', 1).join());
    throw new UsageFault(
      `--${option} is no option${meant === undefined ? '; see --help' : `; did you mean --${meant}?`}`,
    );
  }
}

function command(name: CommandName, values: Values): Command {
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
  if (values.recording === '') throw new UsageFault('--recording takes the name of a file');
  if (values.fault?.replaceAll(/[\s,]/g, '') === '')
    throw new UsageFault(`--fault takes a list such as drop,duplicate:0.01, not "${values.fault}"`);
  const demo: DemoOptions = {
    recording: values.recording,
    speed: values.speed === 'max' ? 'max' : numberOf('speed', values.speed, 1, 0.001, 1_000_000, ' or max'),
    fault: values.fault,
    seed: numberOf('seed', values.seed, 1, 0, 2 ** 32 - 1),
    symbols: numberOf('symbols', values.symbols, 24, 1, 600),
    rate: numberOf('rate', values.rate, 400, 1, 1_000_000),
    wait: numberOf('wait', values.wait, 15, 0, 3_600),
    exit: values.exit === true,
  };
  return { name, demo, settings, typed };
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
