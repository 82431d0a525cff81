/** How long to wait before the next try: doubling, and with chance in it so that clients do not come back all at once. */

export interface Backoff {
  readonly firstMs: number;
  readonly mostMs: number;
}

/** Wait before try `attempt` (1, 2 …): between half and the whole of `firstMs × 2^(attempt − 1)`, at most `mostMs`. */
export function backoffMs(attempt: number, { firstMs, mostMs }: Backoff, random: number): number {
  const whole = Math.min(mostMs, firstMs * 2 ** Math.min(attempt - 1, 30));
  return whole * (0.5 + random / 2);
}
