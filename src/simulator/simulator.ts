/**
 * A fake exchange that speaks Binance spot's WebSocket and REST formats over real sockets. It shares no code with
 * the feeds that read it: it is their judge.
 */
import { Switchboard } from './channel.ts';
import { Dice, digest } from './dice.ts';
import { Flood } from './flood.ts';
import { symbolsMax } from './instrument.ts';
import { LiveMarket } from './live.ts';
import { Mischief } from './mischief.ts';
import type { Simulator, SimulatorOptions } from './options.ts';
import { Player } from './player.ts';
import { scanRecording } from './recording.ts';
import { Rest } from './rest.ts';
import { VenueServer } from './server.ts';
import type { Session } from './session.ts';
import { SimulatorFault } from './simulator-fault.ts';
import type { Source } from './source.ts';
import { type SimulatorReport, Tally } from './tally.ts';

const defaults = {
  host: '127.0.0.1',
  port: 0,
  seed: 1,
  symbols: 24,
  ticksPerSecond: 400,
  pingIntervalMs: 20_000,
  pongTimeoutMs: 60_000,
  lifetimeMs: 24 * 3_600_000,
};

export async function startSimulator(options: SimulatorOptions): Promise<Simulator> {
  checkOptions(options);
  const tally = new Tally();
  const switchboard = new Switchboard();
  const source = await openSource(options, switchboard, tally);
  const rest = new Rest(source, tally);
  const host = options.host ?? defaults.host;
  const server = new VenueServer({
    host,
    port: options.port ?? defaults.port,
    switchboard,
    tally,
    pingIntervalMs: options.pingIntervalMs ?? defaults.pingIntervalMs,
    pongTimeoutMs: options.pongTimeoutMs ?? defaults.pongTimeoutMs,
    lifetimeMs: options.lifetimeMs ?? defaults.lifetimeMs,
    answer: (request, response) => rest.handle(request, response),
    greet: (session) => equip(session, options, tally),
  });
  let port: number;
  try {
    port = await server.listen();
  } catch (error) {
    await source.close();
    throw error;
  }
  if (options.hold !== true) source.start();
  return door(source, server, tally, host, port);
}

function door(source: Source, server: VenueServer, tally: Tally, host: string, port: number): Simulator {
  const address = host.includes(':') ? `[${host}]` : host;
  const report = (): SimulatorReport => ({
    ...tally.report(),
    ...(source.recording === undefined ? {} : { recording: source.recording }),
    ...(source.lateness === undefined ? {} : { lateness: source.lateness() }),
  });
  let closing: Promise<void> | undefined;
  const close = async (): Promise<void> => {
    await source.close();
    await server.close();
  };
  return {
    wsUrl: `ws://${address}:${port}`,
    restUrl: `http://${address}:${port}`,
    port,
    listing: source.listing,
    ...(source.range === undefined ? {} : { range: source.range }),
    start: () => source.start(),
    finished: source.finished.then(report),
    report,
    close: () => (closing ??= close()),
  };
}

async function openSource(
  options: SimulatorOptions,
  switchboard: Switchboard,
  tally: Tally,
): Promise<Source> {
  const seed = options.seed ?? defaults.seed;
  if (options.recording !== undefined) {
    const recording = await scanRecording(options.recording.file);
    return new Player(recording, options.recording.speed, switchboard, tally);
  }
  if (options.flood !== undefined) return new Flood(options.flood, seed, switchboard, tally);
  return new LiveMarket(
    {
      seed,
      symbols: options.symbols ?? defaults.symbols,
      ticksPerSecond: options.ticksPerSecond ?? defaults.ticksPerSecond,
      startTimeMs: options.startTimeMs,
      stateFile: options.stateFile,
    },
    switchboard,
    tally,
  );
}

/** Gives a new connection its share of the scripted faults, from a seed of its own. */
function equip(session: Session, { faults, seed = defaults.seed }: SimulatorOptions, tally: Tally): void {
  if (faults === undefined || Object.keys(faults).length === 0) return;
  session.mischief = new Mischief(session, faults, new Dice(digest(seed, 'faults', tally.opened)), tally);
}

function checkOptions({ symbols, ticksPerSecond, recording, flood }: SimulatorOptions): void {
  const count = flood?.symbols ?? symbols ?? defaults.symbols;
  if (!Number.isInteger(count) || count < 1 || count > symbolsMax) {
    throw new SimulatorFault(
      `The simulator lists from 1 to ${symbolsMax} symbols, not ${count}; choose a number between.`,
    );
  }
  const rate = flood?.pace?.perSecond ?? ticksPerSecond ?? defaults.ticksPerSecond;
  if (!(rate > 0 && rate <= 10_000_000)) {
    throw new SimulatorFault(
      `The rate must lie between 0 and 10,000,000 messages a second, not at ${rate}; choose one there.`,
    );
  }
  const speed = recording?.speed ?? 1;
  if (speed !== 'max' && !(speed > 0 && Number.isFinite(speed))) {
    throw new SimulatorFault(
      `A recording is played at a speed above 0 or at "max", not at ${speed}; choose one of these.`,
    );
  }
}
