/**
 * A fake exchange that speaks the venues' WebSocket and REST formats over real sockets. It shares no code with
 * the feeds that read it: it is their judge.
 */

import { Switchboard } from './channel.ts';
import { checkOptions, defaults } from './check-options.ts';
import type { Command } from './commands.ts';
import type { Floor, VenueLimits, VenueName } from './dialect.ts';
import { Flood } from './flood.ts';
import { LiveMarket } from './live.ts';
import type { Simulator, SimulatorOptions, VenueAddress } from './options.ts';
import { Player } from './player.ts';
import { scanRecording } from './recording.ts';
import { SimulatorFault } from './simulator-fault.ts';
import type { Source } from './source.ts';
import { type SimulatorReport, Tally, type VenueReport } from './tally.ts';
import { Venue } from './venue.ts';
import { VenueFaults } from './venue-faults.ts';
import { dialectOf } from './venues.ts';

export async function startSimulator(options: SimulatorOptions): Promise<Simulator> {
  checkOptions(options);
  const floors = (options.venues ?? defaults.venues).map((name) => openFloor(name, options));
  const source = await openSource(options, floors);
  const main = mainOf(floors);
  const venues = floors.map((floor, place) => {
    return new Venue({
      floor,
      source: source.at(floor.dialect),
      options,
      host: options.host ?? defaults.host,
      port: place === main ? (options.port ?? defaults.port) : 0,
      seed: options.seed ?? defaults.seed,
    });
  });
  try {
    for (const venue of venues) await venue.listen();
  } catch (error) {
    await Promise.all([source.close(), ...venues.map((venue) => venue.close())]);
    throw error;
  }
  const simulator = door(source, venues, venues[main]!);
  for (const { afterMs, command } of options.script ?? [])
    source.schedule(afterMs, () => obey(simulator, command, venues[main]!.floor.tally));
  if (options.hold !== true) source.start();
  return simulator;
}

/** A command of the script for which there is nothing, as a connection that has ended, is counted and passed over. */
function obey(simulator: Simulator, command: Command, tally: Tally): void {
  try {
    simulator.command(command);
  } catch (error) {
    if (!(error instanceof SimulatorFault)) throw error;
    tally.scriptRefused++;
  }
}

/** The venue that is meant where none is named: Binance, or the first. */
function mainOf(floors: readonly Floor[]): number {
  return Math.max(
    0,
    floors.findIndex(({ dialect }) => dialect.name === 'binance'),
  );
}

function door(source: Source, venues: readonly Venue[], first: Venue): Simulator {
  const addresses = (): Partial<Record<VenueName, VenueAddress>> =>
    Object.fromEntries(venues.map((venue) => [venue.floor.dialect.name, venue.address]));
  const report = (): SimulatorReport => reportOf(source, venues, first);
  const command = (order: Command): void => {
    const venue =
      order.venue === undefined ? first : venues.find(({ floor }) => floor.dialect.name === order.venue);
    if (venue === undefined)
      throw new SimulatorFault(`The venue ${order.venue} is not simulated here; start it with \`venues\`.`);
    if (order.kind !== 'delist' && order.kind !== 'rename' && order.kind !== 'tickSize')
      return venue.order(order);
    source.order(order, venue.floor.dialect);
    venue.floor.tally.commands[order.kind]++;
  };
  const close = async (): Promise<void> => {
    await source.close();
    await Promise.all(venues.map((venue) => venue.close()));
  };
  let closing: Promise<void> | undefined;
  const { wsUrl, restUrl } = first.address;
  return {
    get venues() {
      return addresses();
    },
    wsUrl,
    restUrl,
    port: first.port,
    get listing() {
      return first.address.listing;
    },
    ...(source.range === undefined ? {} : { range: source.range }),
    start: () => source.start(),
    command,
    finished: source.finished.then(report),
    report,
    close: () => (closing ??= close()),
  };
}

function reportOf(source: Source, venues: readonly Venue[], first: Venue): SimulatorReport {
  const reports: Partial<Record<VenueName, VenueReport>> = {};
  for (const { floor } of venues) reports[floor.dialect.name] = floor.tally.report();
  return {
    ...first.floor.tally.report(),
    venues: reports,
    ...(source.recording === undefined ? {} : { recording: source.recording }),
    ...(source.lateness === undefined ? {} : { lateness: source.lateness() }),
  };
}

function openFloor(name: VenueName, options: SimulatorOptions): Floor {
  const dialect = dialectOf(name, options);
  const tally = new Tally();
  const { pingIntervalMs, pongTimeoutMs, lifetimeMs } = options;
  const limits: VenueLimits = {
    ...dialect.limits,
    ...(pingIntervalMs === undefined ? {} : { pingIntervalMs }),
    ...(pongTimeoutMs === undefined ? {} : { pongTimeoutMs }),
    ...(lifetimeMs === undefined ? {} : { lifetimeMs }),
    ...options.limits?.[name],
  };
  const switchboard = new Switchboard((stream) => dialect.traits(stream));
  return { dialect, limits, switchboard, tally, faults: new VenueFaults(tally) };
}

async function openSource(options: SimulatorOptions, floors: readonly Floor[]): Promise<Source> {
  const seed = options.seed ?? defaults.seed;
  const floor = floors[0]!;
  if (options.recording !== undefined) {
    const recording = await scanRecording(options.recording.file, floor.dialect);
    return new Player(recording, options.recording.speed, floor);
  }
  if (options.flood !== undefined)
    return new Flood(options.flood, { seed, startTimeMs: options.startTimeMs }, floor);
  return new LiveMarket(
    {
      seed,
      symbols: options.symbols ?? defaults.symbols,
      ticksPerSecond: options.ticksPerSecond ?? defaults.ticksPerSecond,
      startTimeMs: options.startTimeMs,
      stateFile: options.stateFile,
      speed: options.speed ?? 1,
      ...(options.bookLevels === undefined ? {} : { bookLevels: options.bookLevels }),
    },
    floors,
  );
}
