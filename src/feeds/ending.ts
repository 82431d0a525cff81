/** Why a socket ended, and what follows from it. */
import type { Hold } from './connect-budget.ts';

/** Closed list; a metric has one counter each. */
export const endings = [
  'cannot-connect',
  'no-name',
  'bad-certificate',
  'refused-upgrade',
  'limited',
  'banned',
  'blocked',
  'silent',
  'garbage',
  'unanswered',
  'venue-shutdown',
  'lifetime',
  'too-large',
  'cut',
  'closed',
] as const;
export type Ending = (typeof endings)[number];

export interface EndingRule {
  readonly ending: Ending;
  /** This connection waits so long at least (ms), on top of the back-off. */
  readonly leastMs: number;
  /** All connections of the venue wait, as `ConnectBudget` has it. */
  readonly hold?: Hold;
}

/** Statuses that refuse the upgrade, each with its own rule. 403 and 5xx are this attempt's own matter. */
export function refusedUpgrade(status: number, retryAfter: string | undefined): EndingRule {
  const leastMs = retryAfterMs(retryAfter);
  if (status === 418) return { ending: 'banned', leastMs, hold: 'banned' };
  if (status === 429) return { ending: 'limited', leastMs, hold: 'limited' };
  if (status === 451) return { ending: 'blocked', leastMs, hold: 'blocked' };
  return { ending: 'refused-upgrade', leastMs: Math.max(leastMs, status === 403 ? 60_000 : 0) };
}

/** Retry-After in seconds; a date, which no venue sends, counts as absent. An hour at most: it may be wrong. */
function retryAfterMs(header: string | undefined): number {
  const seconds = Number(header);
  return seconds > 0 ? Math.min(seconds, 3_600) * 1_000 : 0;
}

const nameCodes = new Set(['ENOTFOUND', 'EAI_AGAIN', 'EAI_FAIL', 'EAI_NODATA', 'EAI_NONAME']);
const certificateCodes =
  /^(?:CERT_|ERR_TLS_CERT|UNABLE_TO_|DEPTH_ZERO_SELF_SIGNED_CERT$|SELF_SIGNED_CERT_IN_CHAIN$|HOSTNAME_MISMATCH$|INVALID_CA$|PATH_LENGTH_EXCEEDED$)/;

/** What an error before the socket was open means: a name that is not found and a certificate that is not believed pass slowly. */
export function failedConnect(code: string | undefined): EndingRule {
  if (code !== undefined && nameCodes.has(code)) return { ending: 'no-name', leastMs: 2_000 };
  if (code !== undefined && certificateCodes.test(code))
    return { ending: 'bad-certificate', leastMs: 30_000 };
  return { ending: 'cannot-connect', leastMs: 0 };
}

/** Endings that keep a whole venue away, in words for people. */
export const endingWords: Partial<Readonly<Record<Ending, string>>> = {
  banned: 'has banned this address (HTTP 418) for asking too often; no connection is tried for minutes',
  limited: 'limits connections from this address (HTTP 429); they wait as long as it says',
  blocked:
    'does not serve this address for legal reasons (HTTP 451): tried again every five minutes, but only another location or endpoint will help',
  'no-name': 'its name is not found (DNS); check the endpoint and the network',
  'bad-certificate': 'its TLS certificate is not to be believed; nothing is sent to it',
};
