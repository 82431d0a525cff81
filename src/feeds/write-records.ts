/** Ticks into slot 0 of the records that a normaliser writes. All words are set: nothing of an older tick stays. */
import { type TickRecords, tickField, tickFlag, tickKind } from '../wire/tick-record.ts';

/** A single trade. Mantissas; µs. */
export function writeTrade(
  { words, halves }: TickRecords,
  instrumentId: number,
  time: number,
  received: number,
  id: number,
  price: number,
  size: number,
  takerSold: boolean,
): 1 {
  halves[tickField.head] = tickKind.trade | (takerSold ? tickFlag.takerSold : 0);
  halves[tickField.instrument] = instrumentId;
  words[tickField.time] = time;
  words[tickField.received] = received;
  words[tickField.id] = id;
  words[tickField.price] = price;
  words[tickField.size] = size;
  words[tickField.firstId] = id;
  words[tickField.lastId] = id;
  return 1;
}

/** Best bid and ask at the venue's own time. `version` rises from quote to quote. */
export function writeQuote(
  { words, halves }: TickRecords,
  instrumentId: number,
  time: number,
  received: number,
  version: number,
  bid: number,
  bidSize: number,
  ask: number,
  askSize: number,
): 1 {
  halves[tickField.head] = tickKind.quote;
  halves[tickField.instrument] = instrumentId;
  words[tickField.time] = time;
  words[tickField.received] = received;
  words[tickField.id] = version;
  words[tickField.bid] = bid;
  words[tickField.bidSize] = bidSize;
  words[tickField.ask] = ask;
  words[tickField.askSize] = askSize;
  return 1;
}

/** The venue is alive, and knows of no later trade than `lastTradeId`; 0 where it does not say. */
export function writeHeartbeat(
  { words, halves }: TickRecords,
  instrumentId: number,
  time: number,
  received: number,
  lastTradeId: number,
): 1 {
  halves[tickField.head] = tickKind.heartbeat;
  halves[tickField.instrument] = instrumentId;
  words[tickField.time] = time;
  words[tickField.received] = received;
  words[tickField.id] = lastTradeId;
  words.fill(0, tickField.price, tickField.lastId + 1);
  return 1;
}
