/** Repeated incidents, told at most once a second each: the first at once, the rest as a count. */

export type Fields = Readonly<Record<string, unknown>>;
export type Tell = (message: string, fields: Fields) => void;

interface Incident {
  message: string;
  fields: Fields;
  tell: Tell;
  /** How often it happened since it was last told. */
  repeats: number;
  timer: NodeJS.Timeout;
}

const windowMs = 1_000;
/** More different keys than this at once are told as `other incidents`: the table must not grow with bad input. */
const keysMax = 1_000;

export class Incidents {
  readonly #held = new Map<string, Incident>();

  /** Tells it now, or counts it when the same `key` was told less than a second ago. */
  report(key: string, message: string, fields: Fields, tell: Tell): void {
    const known = this.#held.get(key);
    if (known !== undefined) {
      known.repeats++;
      known.message = message;
      known.fields = fields;
      return;
    }
    if (this.#held.size >= keysMax && key !== 'other incidents') {
      return this.report(
        'other incidents',
        `more than ${keysMax} kinds of incident in a second`,
        { last: message },
        tell,
      );
    }
    tell(message, fields);
    this.#held.set(key, { message, fields, tell, repeats: 0, timer: this.#lookAgain(key) });
  }

  #lookAgain(key: string): NodeJS.Timeout {
    return setTimeout(() => this.#windowOver(key), windowMs).unref();
  }

  #windowOver(key: string): void {
    const incident = this.#held.get(key);
    if (incident === undefined) return;
    if (incident.repeats === 0) {
      this.#held.delete(key);
      return;
    }
    tellRepeats(incident);
    incident.timer = this.#lookAgain(key);
  }

  /** Tells what is still counted, and forgets all. */
  close(): void {
    for (const incident of this.#held.values()) {
      clearTimeout(incident.timer);
      if (incident.repeats > 0) tellRepeats(incident);
    }
    this.#held.clear();
  }
}

function tellRepeats(incident: Incident): void {
  incident.tell(incident.message, { ...incident.fields, repeats: incident.repeats });
  incident.repeats = 0;
}
