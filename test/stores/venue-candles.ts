/** A venue's REST that only has candles: the same for the same symbol and time, with holes, and with faults on demand. */
import { RestFault, type VenueCandle, type VenueRest } from '../../src/feeds/venue-rest.ts';
import type { Instrument } from '../../src/market/instrument.ts';
import { barOpen, nextBarOpen } from '../../src/market/resolution.ts';

/** Every so many minutes the venue had no trade, and so has no candle. */
const holeEvery = 7;

export function candleAt(native: string, resolution: number, openTime: number): VenueCandle | undefined {
  const number = Math.floor(openTime / 60_000_000);
  if (resolution === 2 && number % holeEvery === 0) return undefined;
  const base = 1_000 + (number % 97) + native.length;
  return {
    openTime,
    open: base,
    high: base + 9,
    low: base - 9,
    close: base + 3,
    volume: BigInt(number),
    quoteVolume: BigInt(number) * 1_000n,
    count: 5,
    takerBuyVolume: 1n,
    takerBuyQuoteVolume: 1_000n,
  };
}

export function candlesBetween(native: string, resolution: number, from: number, to: number): VenueCandle[] {
  const found: VenueCandle[] = [];
  let open = barOpen(resolution, from);
  if (open < from) open = nextBarOpen(resolution, open);
  for (; open < to; open = nextBarOpen(resolution, open)) {
    const candle = candleAt(native, resolution, open);
    if (candle !== undefined) found.push(candle);
  }
  return found;
}

export interface CandleVenue {
  readonly rest: VenueRest;
  /** What was asked, `native from to` in minutes. */
  readonly asked: string[];
  /** What the next requests reject with, one each. */
  readonly faults: RestFault[];
  /** Waited for before each answer. */
  before: () => Promise<unknown>;
}

const none = (): Promise<never> => Promise.reject(new RestFault('refused', 'only candles'));
export function candleVenue(
  listed: readonly Omit<Instrument, 'id'>[],
  candlesMax = 100,
  before: () => Promise<unknown> = () => Promise.resolve(),
): CandleVenue {
  const asked: string[] = [];
  const faults: RestFault[] = [];
  const rest: VenueRest = {
    candlesMax,
    tradesMax: 1,
    candleResolutions: [2, 5, 7, 9],
    instruments: async () => [...listed],
    async candles({ native }, { resolution, from = 0, to = 0, limit }) {
      asked.push(`${native} ${from / 6e7} ${(to + 1) / 6e7}`);
      await venue.before();
      const fault = faults.shift();
      if (fault !== undefined) throw fault;
      const found = candlesBetween(native, resolution, from, to + 1);
      if (found.length > Math.min(limit, candlesMax))
        throw new RestFault('refused', 'too many candles asked');
      return found;
    },
    trades: none,
    book: none,
    time: none,
    budget: () => ({
      used: 0,
      most: 1,
      waiting: 0,
      asked: 0,
      limited: 0,
      banned: 0,
      pausedMs: 0,
    }),
  };
  const venue: CandleVenue = { rest, asked, faults, before };
  return venue;
}
