/** Which options each command takes, for `parseArgs`, and the text that tells of them. */
import { backfillOptions, backfillUsage, symbolsUsage } from './backfill-options.ts';
import { recordOptions, recordUsage } from './record-options.ts';

export const commands = [
  'serve',
  'demo',
  'record',
  'replay',
  'backfill',
  'symbols',
  'version',
  'help',
] as const;
export type CommandName = (typeof commands)[number];

const configOptions = {
  config: { type: 'string' },
  data: { type: 'string' },
  set: { type: 'string', multiple: true },
} as const;

const listenOptions = {
  port: { type: 'string' },
  host: { type: 'string' },
} as const;

const playOptions = {
  speed: { type: 'string' },
  fault: { type: 'string' },
  wait: { type: 'string' },
  exit: { type: 'boolean' },
} as const;

const marketOptions = {
  recording: { type: 'string' },
  seed: { type: 'string' },
  symbols: { type: 'string' },
  rate: { type: 'string' },
} as const;

const offlineOptions = {
  offline: { type: 'boolean' },
} as const;

const plainOptions = {
  help: { type: 'boolean', short: 'h' },
  version: { type: 'boolean' },
} as const;

/** All together: an option has the same kind in every command that takes it. */
export const allOptions = {
  ...configOptions,
  ...listenOptions,
  ...playOptions,
  ...marketOptions,
  ...offlineOptions,
  ...recordOptions,
  ...backfillOptions,
  ...plainOptions,
} as const;
export type OptionName = keyof typeof allOptions;

const namesOf = (...groups: readonly object[]): ReadonlySet<OptionName> =>
  new Set(groups.flatMap((group) => Object.keys(group)) as OptionName[]);

export const optionsOf: Readonly<Record<CommandName, ReadonlySet<OptionName>>> = {
  serve: namesOf(configOptions, listenOptions),
  demo: namesOf(configOptions, listenOptions, playOptions, marketOptions),
  record: namesOf(configOptions, recordOptions),
  replay: namesOf(configOptions, listenOptions, playOptions, offlineOptions),
  backfill: namesOf(configOptions, backfillOptions),
  symbols: namesOf(configOptions),
  version: new Set(),
  help: namesOf(allOptions),
};

/** Commands that are followed by words of their own, which they judge themselves. */
export const wordy: ReadonlySet<CommandName> = new Set(['replay', 'backfill', 'symbols']);

export const usage = `tickwire: a market-data server

  tickwire serve     the server on the exchanges of config.yaml
  tickwire demo      the server with a simulated exchange; nothing else is needed
${recordUsage}  tickwire replay FILE [--offline]
                     the server on a recording, as demo --recording; --offline: without threads and sockets, under the
                     recording's own clock, and the digests of all that was made are printed
${backfillUsage}${symbolsUsage}  tickwire version

Options of all of them
  --data DIR         folder of the embedded stores (TICKWIRE_DATA_DIR, data)
  --config FILE      configuration (CONFIG_PATH, config.yaml)
  --set KEY=VALUE    any other key of the configuration, such as --set workers.count=2

Options of serve, demo and replay
  --port N           port of page, HTTP and WebSocket (SERVER_PORT, 8080; 0 takes a free one)
  --host H           address to listen on (demo and replay: 127.0.0.1)

Options of demo and replay
  --speed N|max      times the recorded speed, or as fast as it goes (1)
  --wait S           a recording begins with its first client, or after S seconds (15)
  --exit             end when the recording has been played
  --fault LIST       drop,duplicate,reorder,disconnect,silence,garbage; each may have a rate, as drop:0.001

Options of demo
  --recording FILE   play a recorded session (gzip lines: receive time in ns, tab, message)
  --seed N           of the simulated market (1)
  --symbols N        of the simulated market (24)
  --rate N           messages a second of the simulated market (400)
`;
