/** What has been ordered for the messages of one stream, and does it to each delivery. */
import { performance } from 'node:perf_hooks';
import type { Channel } from './channel.ts';
import type { Session } from './session.ts';
import type { Tally } from './tally.ts';

export type RuleKind =
  | 'mute'
  | 'drop'
  | 'duplicate'
  | 'reorder'
  | 'crossed'
  | 'zeroTime'
  | 'price'
  | 'garbage';

export interface Rule {
  readonly kind: RuleKind;
  /** Only there; undefined: on every connection. */
  readonly session: Session | undefined;
  /** The messages of the stream, by number, that it strikes: from < number ≤ to. */
  readonly from: number;
  readonly to: number;
  /** Of performance.now(). */
  readonly untilMs: number;
  /** For the kinds that send something else: the message, or what goes before it. */
  readonly rewrite?: (message: Buffer) => string | Buffer;
}

const reorderSpan = 3;

export class Script {
  readonly #channel: Channel;
  readonly #tally: Tally;
  #rules: Rule[] = [];

  constructor(channel: Channel, tally: Tally) {
    this.#channel = channel;
    this.#tally = tally;
  }

  add(rule: Rule): void {
    this.#rules.push(rule);
  }

  /** Forgets the rules that strike no message to come. */
  prune(nowMs: number): void {
    this.#rules = this.#rules.filter(({ to, untilMs }) => to > this.#channel.count && untilMs > nowMs);
  }

  deliver(session: Session, payload: Buffer): void {
    const number = this.#channel.count;
    if (this.#rules.every((rule) => number > rule.to || isOver(rule))) {
      this.#channel.script = undefined; // what is to come takes the short way again
      return session.pass(this.#channel, payload);
    }
    let message = payload;
    for (const rule of this.#rules) {
      if (rule.session !== undefined && rule.session !== session) continue;
      if (number <= rule.from || number > rule.to || isOver(rule)) continue;
      const changed = this.#strike(rule, session, message, number - rule.from - 1);
      if (changed === undefined) return;
      message = changed;
    }
    session.pass(this.#channel, message);
  }

  /** The message that goes on its way in the end, or undefined when this one does not. */
  #strike(rule: Rule, session: Session, message: Buffer, place: number): Buffer | undefined {
    const { commands, dropped, faults } = this.#tally;
    if (rule.kind !== 'reorder') commands[rule.kind]++;
    switch (rule.kind) {
      case 'mute':
        dropped.mute++;
        return undefined;
      case 'drop':
        faults.drop++;
        dropped.drop++;
        return undefined;
      case 'duplicate':
        faults.duplicate++;
        session.pass(this.#channel, message);
        return message;
      case 'garbage':
        session.sendText(rule.rewrite!(message));
        return message;
      case 'crossed':
      case 'zeroTime':
      case 'price':
        return Buffer.from(rule.rewrite!(message));
      case 'reorder':
        return this.#reorder(session, message, place % reorderSpan);
      default:
        return rule.kind satisfies never;
    }
  }

  /** Third, first, second. Who came in the middle of three gets what is left of them in order. */
  #reorder(session: Session, message: Buffer, place: number): Buffer | undefined {
    if (place < reorderSpan - 1) {
      session.hold(this.#channel, Buffer.from(message));
      return undefined;
    }
    this.#tally.commands.reorder++;
    session.pass(this.#channel, message);
    session.letGo(this.#channel);
    return undefined;
  }
}

function isOver({ untilMs }: Rule): boolean {
  return untilMs !== Infinity && untilMs <= performance.now();
}
