/** Who gets a stream: a dense list per stream, entered and left in one step. */

export interface Subscriber {
  /** Stream → place in its list. */
  readonly places: Map<number, number>;
}

export class Subscribers<T extends Subscriber> {
  readonly #lists: (T[] | undefined)[];

  constructor(streams: number) {
    this.#lists = Array.from({ length: streams }, () => undefined);
  }

  /** Not to be kept or changed. */
  of(stream: number): readonly T[] | undefined {
    return this.#lists[stream];
  }

  /** False when it was there already. */
  add(stream: number, subscriber: T): boolean {
    if (subscriber.places.has(stream)) return false;
    const list = (this.#lists[stream] ??= []);
    subscriber.places.set(stream, list.length);
    list.push(subscriber);
    return true;
  }

  /** False when it was not there. The last of the list takes the place that becomes free. */
  remove(stream: number, subscriber: T): boolean {
    const place = subscriber.places.get(stream);
    if (place === undefined) return false;
    subscriber.places.delete(stream);
    const list = this.#lists[stream]!;
    const last = list.pop()!;
    if (last !== subscriber) {
      list[place] = last;
      last.places.set(stream, place);
    }
    return true;
  }
}
