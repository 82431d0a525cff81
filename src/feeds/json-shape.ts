/** What JSON.parse does not tell: how deep a text is, and whether keys were given twice. */

const depthMax = 16;
const forbidden = new Set(['__proto__', 'constructor', 'prototype']);
const quoteMark = 0x22;
const backslash = 0x5c;
const colon = 0x3a;

/**
 * The number of keys in JSON text, read as bytes, and -1 when it nests deeper than 16 levels. Says nothing about
 * whether the text is JSON.
 */
export function keysInText(bytes: Uint8Array, from: number, to: number): number {
  let depth = 0;
  let keys = 0;
  for (let p = from; p < to; p++) {
    const byte = bytes[p]!;
    if (byte === quoteMark) {
      for (p++; p < to && bytes[p] !== quoteMark; p++) if (bytes[p] === backslash) p++;
    } else if (byte === colon) keys++;
    // { and [ are 0x7b and 0x5b, } and ] 0x7d and 0x5d: bit 5 apart.
    else if ((byte | 0x20) === 0x7b && ++depth > depthMax) return -1;
    else if ((byte | 0x20) === 0x7d) depth--;
  }
  return keys;
}

/** The number of keys in a parsed value (of at most 16 levels), and -1 when one of them is forbidden. */
export function keysInValue(value: unknown): number {
  if (typeof value !== 'object' || value === null) return 0;
  return Array.isArray(value) ? keysInArray(value) : keysInObject(value as Record<string, unknown>);
}

function keysInArray(values: readonly unknown[]): number {
  let keys = 0;
  for (let i = 0; i < values.length; i++) {
    const below = keysInValue(values[i]);
    if (below < 0) return -1;
    keys += below;
  }
  return keys;
}

/** Of parsed JSON, so that all keys are its own. */
function keysInObject(value: Record<string, unknown>): number {
  let keys = 0;
  for (const key in value) {
    if (forbidden.has(key)) return -1;
    const below = keysInValue(value[key]);
    if (below < 0) return -1;
    keys += below + 1;
  }
  return keys;
}
