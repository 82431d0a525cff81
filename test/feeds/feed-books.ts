/** Whether a feed's books balance (see `src/feeds/feed-counts.ts`). */
import type { FeedAccount } from '../../src/feeds/feed-counts.ts';

/** Undefined when the books balance, else the equation that does not hold. */
export function feedImbalance(account: FeedAccount): string | undefined {
  const refused = sum(account.refused);
  const unused = sum(account.ignored);
  if (account.messages === account.accepted + refused + unused + account.control) return undefined;
  return `${account.messages} messages, but ${account.accepted} accepted + ${refused} refused + ${unused} ignored + ${account.control} control`;
}

function sum(counts: Readonly<Record<string, number>>): number {
  return Object.values(counts).reduce((a, b) => a + b, 0);
}
