/** A column of numbers that grows. */
type Numbers = Float64Array | Uint32Array | Int32Array | Uint16Array | Uint8Array;

const lengthFirst = 1_024;

export class Column<T extends Numbers> {
  length = 0;
  values: T;
  readonly #make: new (
    length: number,
  ) => T;

  constructor(make: new (length: number) => T) {
    this.#make = make;
    this.values = new make(lengthFirst);
  }

  push(value: number): void {
    if (this.length === this.values.length) {
      const wider = new this.#make(this.length * 2);
      wider.set(this.values);
      this.values = wider;
    }
    this.values[this.length++] = value;
  }

  at(index: number): number {
    return this.values[index]!;
  }
}
