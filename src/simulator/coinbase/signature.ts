/** The signature that the venue wants before it sends level2: HMAC-SHA256 over time, method and path, in base64. */
import { createHmac, timingSafeEqual } from 'node:crypto';

export interface CoinbaseKeys {
  readonly key: string;
  /** base64. */
  readonly secret: string;
  readonly passphrase: string;
}

const signedPath = '/users/self/verify';
const clockSkewSMax = 30;

/** Undefined when the request is signed as it must be, else what is wrong with it. */
export function signatureFault(
  request: Readonly<Record<string, unknown>>,
  keys: CoinbaseKeys | undefined,
  nowMs: number,
): string | undefined {
  const { signature, key, passphrase, timestamp } = request as {
    signature?: unknown;
    key?: unknown;
    passphrase?: unknown;
    timestamp?: unknown;
  };
  if (typeof signature !== 'string' || typeof key !== 'string' || typeof passphrase !== 'string')
    return 'missing';
  if (typeof timestamp !== 'string' && typeof timestamp !== 'number') return 'missing';
  const seconds = Number(timestamp);
  if (!(Math.abs(nowMs / 1_000 - seconds) <= clockSkewSMax)) return 'request timestamp expired';
  if (keys === undefined || key !== keys.key) return 'invalid api key';
  if (passphrase !== keys.passphrase) return 'invalid passphrase';
  const due = createHmac('sha256', Buffer.from(keys.secret, 'base64'))
    .update(`${timestamp}GET${signedPath}`)
    .digest();
  const given = Buffer.from(signature, 'base64');
  const equal = given.length === due.length && timingSafeEqual(given, due);
  return equal ? undefined : 'invalid signature';
}
