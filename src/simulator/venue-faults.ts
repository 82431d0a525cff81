/** The faults that are armed at one venue, apart from those of single streams. */
import type { CommandKind, FaultCommand, SubscribeFate } from './commands.ts';
import type { Tally } from './tally.ts';

type RestFault = Extract<FaultCommand, { kind: 'rest' }>;
type ConnectFault = Extract<FaultCommand, { kind: 'refuseConnect' }>;

/** A fault that strikes so many times and is over. */
interface Armed<T> {
  readonly fault: T;
  left: number;
}

export class VenueFaults {
  restDelayMs = 0;
  readonly #tally: Tally;
  readonly #ahead = new Map<string, number>();
  #connects: Armed<ConnectFault>[] = [];
  #fates: Armed<SubscribeFate>[] = [];
  #requests: Armed<RestFault>[] = [];

  constructor(tally: Tally) {
    this.#tally = tally;
  }

  armConnect(fault: ConnectFault): void {
    this.#connects.push({ fault, left: fault.count });
  }

  armSubscribe(fate: SubscribeFate, count: number): void {
    this.#fates.push({ fault: fate, left: count });
  }

  armRest(fault: RestFault): void {
    this.#requests.push({ fault, left: fault.count });
  }

  setAhead(symbol: string, by: number): void {
    if (by === 0) this.#ahead.delete(symbol);
    else this.#ahead.set(symbol, by);
  }

  /** For an attempt to connect: how it is refused, if it is. */
  nextConnect(): ConnectFault | undefined {
    return this.#take(this.#connects, () => true, 'refuseConnect');
  }

  /** For a request to subscribe: what becomes of it. */
  nextFate(): SubscribeFate {
    return this.#take(this.#fates, () => true, 'subscribe') ?? 'granted';
  }

  /** For a request of REST: how it fails, if it does. */
  nextRest(path: string): RestFault | undefined {
    return this.#take(this.#requests, (fault) => path.endsWith(fault.path ?? ''), 'rest');
  }

  /** By how much heartbeats of the symbol run ahead. Ask only for a heartbeat that is sent: it is counted. */
  ahead(symbol: string): number {
    const by = this.#ahead.get(symbol) ?? 0;
    if (by !== 0) this.#tally.commands.heartbeatAhead++;
    return by;
  }

  #take<T>(armed: Armed<T>[], fits: (fault: T) => boolean, kind: CommandKind): T | undefined {
    const place = armed.findIndex(({ fault }) => fits(fault));
    const found = armed[place];
    if (found === undefined) return undefined;
    found.left--;
    if (found.left <= 0) armed.splice(place, 1);
    this.#tally.commands[kind]++;
    return found.fault;
  }
}
