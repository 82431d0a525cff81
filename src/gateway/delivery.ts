/**
 * The gateway's equation, per class: due = delivered + conflated + dropped (by reason) + waiting.
 * One block for one subscriber is one; `delivered` means handed to the client's socket.
 */

/** `state` and `log` as in `wire/block-message.ts`; `extra` is what a connection gets of its own: snapshot, dictionary, heartbeat. */
export const deliveryClass = { state: 0, log: 1, extra: 2 } as const;
const classNames = ['state', 'log', 'extra'] as const;

export const dropReason = { tooSlow: 0, disconnected: 1, goingAway: 2, misbehaved: 3 } as const;
const reasonNames = ['tooSlow', 'disconnected', 'goingAway', 'misbehaved'] as const;
export type DropReason = (typeof dropReason)[keyof typeof dropReason];

export interface ClassAccount {
  readonly due: number;
  readonly delivered: number;
  readonly conflated: number;
  readonly dropped: Readonly<Record<(typeof reasonNames)[number], number>>;
  readonly waiting: number;
}
export type DeliveryAccount = Readonly<Record<(typeof classNames)[number], ClassAccount>>;

export class Delivery {
  readonly due = new Float64Array(classNames.length);
  readonly delivered = new Float64Array(classNames.length);
  readonly conflated = new Float64Array(classNames.length);
  readonly #dropped = reasonNames.map(() => new Float64Array(classNames.length));

  drop(blockClass: number, reason: DropReason, count = 1): void {
    this.#dropped[reason]![blockClass]! += count;
  }

  /** @param waiting blocks of each class that wait in outboxes now */
  account(waiting: Float64Array): DeliveryAccount {
    const of = (index: number): ClassAccount => ({
      due: this.due[index]!,
      delivered: this.delivered[index]!,
      conflated: this.conflated[index]!,
      dropped: {
        tooSlow: this.#dropped[dropReason.tooSlow]![index]!,
        disconnected: this.#dropped[dropReason.disconnected]![index]!,
        goingAway: this.#dropped[dropReason.goingAway]![index]!,
        misbehaved: this.#dropped[dropReason.misbehaved]![index]!,
      },
      waiting: waiting[index]!,
    });
    return { state: of(0), log: of(1), extra: of(2) };
  }
}
