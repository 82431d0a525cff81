/** Writes messages as ASCII bytes, digit by digit: no strings are made on the way to the socket. */
const zero = 48;
const point = 46;
const powers = [1, 10, 100, 1_000, 10_000, 100_000, 1_000_000, 10_000_000, 100_000_000] as const;

export class Scribe {
  readonly bytes: Buffer;
  at = 0;

  constructor(size: number) {
    this.bytes = Buffer.allocUnsafe(size);
  }

  put(constant: Uint8Array): void {
    const { bytes } = this;
    let { at } = this;
    for (let i = 0; i < constant.length; i++) bytes[at++] = constant[i]!;
    this.at = at;
  }

  text(text: string): void {
    this.at += this.bytes.write(text, this.at, 'latin1');
  }

  /** A whole number from 0 to 2^53. */
  integer(value: number): void {
    if (value < 100_000_000) return this.#small(value | 0);
    const high = Math.floor(value / 100_000_000);
    this.#small(high);
    this.#padded((value - high * 100_000_000) | 0, 8);
  }

  /** A mantissa with up to eight digits behind the point, written with all eight. */
  decimal(mantissa: number, decimals: number): void {
    const power = powers[decimals]!;
    const whole = Math.floor(mantissa / power);
    this.integer(whole);
    this.bytes[this.at++] = point;
    if (decimals > 0) this.#padded((mantissa - whole * power) | 0, decimals);
    for (let i = decimals; i < 8; i++) this.bytes[this.at++] = zero;
  }

  #small(value: number): void {
    let digits = 1;
    while (digits < 8 && value >= powers[digits]!) digits++;
    this.#padded(value, digits);
  }

  #padded(value: number, digits: number): void {
    let rest = value | 0;
    for (let i = this.at + digits - 1; i >= this.at; i--) {
      const next = (rest / 10) | 0;
      this.bytes[i] = zero + (rest - next * 10);
      rest = next;
    }
    this.at += digits;
  }
}
