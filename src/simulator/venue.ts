/** One venue of the simulator at work: its door, its counts, and the faults that are ordered of it. */

import type { FaultCommand } from './commands.ts';
import { commandConnections } from './connection-faults.ts';
import type { Floor, VenueSource } from './dialect.ts';
import { Dice, digest } from './dice.ts';
import { Mischief } from './mischief.ts';
import type { SimulatorOptions, VenueAddress } from './options.ts';
import { VenueServer } from './server.ts';
import type { Session } from './session.ts';
import type { MarketCommand } from './source.ts';
import { commandStreams } from './stream-faults.ts';

export interface VenueParts {
  readonly floor: Floor;
  readonly source: VenueSource;
  readonly options: SimulatorOptions;
  readonly host: string;
  readonly port: number;
  readonly seed: number;
}

/** What a venue does by itself; the rest concerns the market. */
export type VenueOrder = Exclude<FaultCommand, MarketCommand>;

export class Venue {
  readonly floor: Floor;
  readonly #parts: VenueParts;
  readonly #server: VenueServer;
  readonly #dice: Dice;
  #port = 0;

  constructor(parts: VenueParts) {
    const { floor, source, options, host, port, seed } = parts;
    this.floor = floor;
    this.#parts = parts;
    this.#dice = new Dice(digest(seed, floor.dialect.name, 'commands'));
    this.#server = new VenueServer({
      host,
      port,
      floor,
      answer: floor.dialect.rest(source, floor),
      greet: (session) => equip(session, options.faults, seed, floor.tally.opened, floor),
    });
  }

  async listen(): Promise<void> {
    this.#port = await this.#server.listen();
  }

  get port(): number {
    return this.#port;
  }

  get address(): VenueAddress {
    const { host, source } = this.#parts;
    const authority = `${host.includes(':') ? `[${host}]` : host}:${this.#port}`;
    return { wsUrl: `ws://${authority}`, restUrl: `http://${authority}`, listing: source.listing };
  }

  /** @throws SimulatorFault when it makes no sense here */
  order(command: VenueOrder): void {
    const { faults, tally } = this.floor;
    switch (command.kind) {
      case 'kill':
      case 'shutdown':
      case 'silence':
        return commandConnections(command, this.floor, this.#dice, this.#parts.source.nowMs());
      case 'refuseConnect':
        return faults.armConnect(command);
      case 'subscribe':
        return faults.armSubscribe(command.fate, command.count);
      case 'rest':
        return faults.armRest(command);
      case 'restDelay':
        faults.restDelayMs = command.ms;
        tally.commands.restDelay++;
        return;
      case 'heartbeatAhead':
        return faults.setAhead(command.symbol, command.by);
      case 'mute':
      case 'drop':
      case 'duplicate':
      case 'reorder':
      case 'crossed':
      case 'zeroTime':
      case 'price':
      case 'garbage':
        return commandStreams(command, this.floor, this.#parts.source, this.#dice);
      default:
        return command satisfies never;
    }
  }

  close(): Promise<void> {
    return this.#server.close();
  }
}

/** Gives a new connection its share of the scripted faults, from a seed of its own. */
function equip(
  session: Session,
  plan: SimulatorOptions['faults'],
  seed: number,
  place: number,
  { tally, dialect }: Floor,
): void {
  if (plan === undefined || Object.keys(plan).length === 0) return;
  const venue = dialect.name === 'binance' ? [] : [dialect.name];
  session.mischief = new Mischief(session, plan, new Dice(digest(seed, 'faults', place, ...venue)), tally);
}
