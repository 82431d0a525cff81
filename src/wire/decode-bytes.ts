/** Reads the numbers of frame v2 out of a range of bytes, never past its end. */
import { amountOf, limb } from '../market/amount.ts';
import { FrameFault } from './decode-fault.ts';
import { varuintBytesMax } from './varint.ts';

const utf8 = new TextDecoder('utf-8', { ignoreBOM: true });

/** A place in a range of bytes. Every read checks the range first and throws `FrameFault` when it does not reach. */
export class ByteReader {
  bytes: Uint8Array = new Uint8Array(0);
  /** Index of the next byte. */
  at = 0;
  /** Index after the last byte that may be read. */
  end = 0;

  u8(): number {
    if (this.at >= this.end) throw outOfBytes(this.at);
    return this.bytes[this.at++]!;
  }

  /** 0 to 2^53 − 1. */
  varuint(): number {
    const at = this.at;
    if (at + 2 < this.end) {
      const first = this.bytes[at]!;
      if (first < 128) {
        this.at = at + 1;
        return first;
      }
      const second = this.bytes[at + 1]!;
      if (second < 128) {
        this.at = at + 2;
        return (first & 127) | (second << 7);
      }
    }
    return longVaruint(this);
  }

  /** −2^52 ≤ n < 2^52. */
  varint(): number {
    const coded = this.varuint();
    if (coded < 0x80000000) return (coded >>> 1) ^ -(coded & 1);
    const half = Math.floor(coded / 2);
    return coded - half * 2 === 0 ? half : -half - 1;
  }

  amount(): bigint {
    const low = this.varuint();
    if (low >= limb) throw new FrameFault('bad-number', `low limb of ${low}`);
    return amountOf(low, this.varuint());
  }

  /** `length` bytes of UTF-8; what is not valid reads as U+FFFD. */
  text(length: number): string {
    if (length > this.end - this.at) throw outOfBytes(this.end);
    const from = this.at;
    this.at += length;
    return utf8.decode(this.bytes.subarray(from, this.at));
  }
}

/** Byte by byte, for what is long or near the end of the range. A function of its own, so that the short way inlines. */
function longVaruint(reader: ByteReader): number {
  const { bytes, end } = reader;
  let at = reader.at;
  let low = 0;
  for (let shift = 0; shift < 28; shift += 7) {
    if (at >= end) throw outOfBytes(at);
    const byte = bytes[at++]!;
    low |= (byte & 127) << shift;
    if (byte < 128) {
      reader.at = at;
      return low;
    }
  }
  // Four bytes fit in an integer; the other four are added as a double.
  let high = 0;
  for (let shift = 0; shift < 28; shift += 7) {
    if (at >= end) throw outOfBytes(at);
    const byte = bytes[at++]!;
    high |= (byte & 127) << shift;
    if (byte < 128) {
      reader.at = at;
      return checked(high * 2 ** 28 + low);
    }
  }
  throw new FrameFault('bad-number', `more than ${varuintBytesMax} bytes before ${at}`);
}

/** Ids, times, prices and sizes are whole numbers from 0 to 2^53 − 1, whatever was added to get them. */
export function checked(value: number): number {
  if (value >= 0 && value <= Number.MAX_SAFE_INTEGER) return value;
  throw new FrameFault('bad-number', `${value} is out of range`);
}

export function outOfBytes(at: number): FrameFault {
  return new FrameFault('bad-length', `a number or text is cut off at ${at}`);
}
