/** The stream that the writer's crash test writes: the same for the same seed, wherever it begins. */
import type { TradeRow } from '../../src/market/tick.ts';
import { dice, instrumentOf, sampleTime, tradeOf } from '../stores/market-samples.ts';

export const streamTrades = 12_000;
export const streamInstruments = [
  instrumentOf(1, 'BTCUSDT'),
  instrumentOf(2, 'ETHUSDT'),
  instrumentOf(3, 'BNBUSDT'),
];

/** Trade `id` of an instrument: some 0.09 s of market time after the one before it, so that many bars close. */
export function streamTrade(seed: number, instrument: number, id: number): TradeRow {
  const roll = dice(seed ^ Math.imul(id, 2_654_435_761) ^ Math.imul(instrument, 40_503));
  roll();
  const price = 6_000_000 + Math.floor(roll() * 10_000);
  const time = sampleTime + id * 90_000 + Math.floor(roll() * 80_000);
  const size = 1 + Math.floor(roll() * 1e9);
  return tradeOf(id, {
    instrument,
    price,
    time,
    received: time + 5,
    size,
    bid: price - 1,
    ask: price,
    takerSold: roll() < 0.5,
  });
}
