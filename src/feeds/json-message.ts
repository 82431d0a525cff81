/** Bytes to a JSON object, or the reason why they are none: the first step of every venue's obvious reader. */
import { keysInText, keysInValue } from './json-shape.ts';
import { ignored, refusal } from './refusal.ts';

export type Fields = { readonly [key: string]: unknown };

/** Fields of a message that claims to be a `T`: each may be missing or of any type. */
export type Claimed<T> = { readonly [K in keyof T]?: unknown };

const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/**
 * The message in bytes `from` to `to` (not included) as an object without doubled or forbidden keys, or a refusal.
 * Arrays and plain values are no messages. What is longer than `bytesMax` is refused unread.
 */
export function parseMessage(bytes: Uint8Array, from: number, to: number, bytesMax: number): Fields | number {
  if (to - from > bytesMax) return refusal.tooLarge;
  const keys = keysInText(bytes, from, to);
  if (keys < 0) return refusal.tooDeep;
  let text: string;
  let value: unknown;
  try {
    text = decoder.decode(bytes.subarray(from, to));
  } catch {
    return refusal.badUtf8;
  }
  try {
    value = JSON.parse(text);
  } catch {
    return refusal.notJson;
  }
  const kept = keysInValue(value);
  if (kept < 0) return refusal.forbiddenKey;
  if (kept !== keys) return refusal.duplicateKey;
  if (Array.isArray(value)) return ignored.unknownEvent;
  return isFields(value) ? value : refusal.wrongType;
}

export function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
