/** Does to the messages of one connection what its fault plan says, from a seed of its own. */
import type { Channel } from './channel.ts';
import type { Dice } from './dice.ts';
import type { FaultPlan } from './faults.ts';
import { garbage } from './garbage.ts';
import type { Session } from './session.ts';
import type { Tally } from './tally.ts';

const silenceMsLeast = 3_000;
const silenceMsSpread = 12_000;
const reorderMax = 5;

interface Held {
  readonly payload: Buffer;
  /** Messages of the same stream that go first. */
  after: number;
}

export class Mischief {
  readonly #session: Session;
  readonly #plan: FaultPlan;
  readonly #dice: Dice;
  readonly #tally: Tally;
  readonly #held = new Map<Channel, Held>();

  constructor(session: Session, plan: FaultPlan, dice: Dice, tally: Tally) {
    this.#session = session;
    this.#plan = plan;
    this.#dice = dice;
    this.#tally = tally;
  }

  deliver(channel: Channel, payload: Buffer): void {
    const { faults, dropped } = this.#tally;
    if (this.#session.closed) {
      dropped.closed++;
      return;
    }
    if (this.#strikes('silence')) {
      this.#session.silence(silenceMsLeast + this.#dice.below(silenceMsSpread));
      dropped.silence++;
      return;
    }
    if (this.#strikes('disconnect')) {
      dropped.disconnect++;
      if (this.#dice.unit() < 0.5) this.#session.breakOff(payload);
      else this.#session.cut('mischief');
      return;
    }
    if (this.#strikes('garbage')) this.#session.sendText(garbage(this.#dice, payload));
    if (this.#strikes('drop')) {
      dropped.drop++;
      return;
    }
    if (!this.#held.has(channel) && this.#strikes('reorder')) {
      this.#held.set(channel, { payload: Buffer.from(payload), after: 1 + this.#dice.below(reorderMax) });
      this.#tally.held++;
      return;
    }
    this.#session.send(channel, payload, 0, payload.length);
    if (this.#roll('duplicate')) {
      faults.duplicate++;
      this.#session.send(channel, payload, 0, payload.length);
    }
    this.#letGo(channel);
  }

  /** Sends all that is held back. */
  release(): void {
    for (const channel of this.#held.keys()) this.#send(channel);
  }

  /** The connection is gone, and what was held back with it. */
  discard(): void {
    this.#tally.held -= this.#held.size;
    this.#tally.dropped.closed += this.#held.size;
    this.#held.clear();
  }

  #letGo(channel: Channel): void {
    const held = this.#held.get(channel);
    if (held === undefined) return;
    held.after--;
    if (held.after === 0) this.#send(channel);
  }

  #send(channel: Channel): void {
    const { payload } = this.#held.get(channel)!;
    this.#held.delete(channel);
    this.#tally.held--;
    this.#session.send(channel, payload, 0, payload.length);
  }

  #strikes(kind: keyof FaultPlan): boolean {
    if (!this.#roll(kind)) return false;
    this.#tally.faults[kind]++;
    return true;
  }

  #roll(kind: keyof FaultPlan): boolean {
    const chance = this.#plan[kind];
    return chance !== undefined && this.#dice.unit() < chance;
  }
}
