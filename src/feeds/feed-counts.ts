/**
 * A feed's books: messages = accepted + refused (by reason) + ignored (by reason) + control. All records went to the
 * hub: those of accepted messages, and the feed's own (`subscribed`, `cut`, `rescale`).
 */
import {
  control,
  type IgnoredName,
  ignored,
  isControl,
  isRefusal,
  type RefusalName,
  refusal,
} from './refusal.ts';

export interface FeedAccount {
  readonly messages: number;
  readonly accepted: number;
  readonly records: number;
  /** Of `records`: those that no message brought. */
  readonly own: number;
  readonly refused: Readonly<Record<RefusalName, number>>;
  readonly ignored: Readonly<Record<IgnoredName, number>>;
  readonly control: number;
}

export class FeedCounts {
  #messages = 0;
  #accepted = 0;
  #records = 0;
  #own = 0;
  #control = 0;
  /** By code, sign taken off. */
  readonly #others = new Float64Array(1 - control.answer);

  /** Counts one message by what the normaliser answered. */
  count(answer: number): void {
    this.#messages++;
    if (answer >= 0) {
      this.#accepted++;
      this.#records += answer;
    } else if (isControl(answer)) this.#control++;
    else this.#others[-answer]!++;
  }

  /** A record of the feed itself. */
  countOwn(): void {
    this.#records++;
    this.#own++;
  }

  get refusals(): number {
    return this.#others.reduce((all, count, i) => (isRefusal(-i) ? all + count : all), 0);
  }

  account(): FeedAccount {
    return {
      messages: this.#messages,
      accepted: this.#accepted,
      records: this.#records,
      own: this.#own,
      refused: this.#named(refusal),
      ignored: this.#named(ignored),
      control: this.#control,
    };
  }

  #named<Name extends string>(codes: Readonly<Record<Name, number>>): Record<Name, number> {
    const named = Object.entries<number>(codes).map(([name, code]) => [name, this.#others[-code]!]);
    return Object.fromEntries(named) as Record<Name, number>;
  }
}
