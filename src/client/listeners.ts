/** Typed event listeners: a list per event, called in the order in which they came. */

export class Listeners<Events extends Record<keyof Events, (...values: never[]) => void>> {
  readonly #lists = new Map<keyof Events, readonly ((...values: never[]) => void)[]>();

  /** Returns a function that takes the listener off again. */
  on<Name extends keyof Events>(name: Name, listener: Events[Name]): () => void {
    this.#lists.set(name, [...(this.#lists.get(name) ?? []), listener]);
    return () => this.off(name, listener);
  }

  off<Name extends keyof Events>(name: Name, listener: Events[Name]): void {
    const left = (this.#lists.get(name) ?? []).filter((other) => other !== listener);
    this.#lists.set(name, left);
  }

  /** Whether anyone listens: what nobody wants need not be decoded. */
  has(name: keyof Events): boolean {
    return (this.#lists.get(name)?.length ?? 0) > 0;
  }

  emit<Name extends keyof Events>(name: Name, ...values: Parameters<Events[Name]>): void {
    const list = this.#lists.get(name);
    if (list === undefined) return;
    for (let i = 0; i < list.length; i++) list[i]!(...(values as never[]));
  }
}
