/** A book that REST has answered, as tick records. */
import { type TickRecords, tickFlag } from '../wire/tick-record.ts';
import { type BookHead, type BookRecords, bookHead } from './book-records.ts';
import { isRefusal } from './refusal.ts';
import { RestFault, type VenueBook } from './venue-rest.ts';

const head: BookHead = bookHead();

/**
 * @param received µs; also its time, to the ms, where the venue tells none
 * @returns how many records
 * @throws RestFault when the book is none
 */
export function writeBook(
  records: BookRecords,
  instrument: number,
  book: VenueBook,
  received: number,
  out: TickRecords,
): number {
  head.flags = book.time === 0 ? tickFlag.noVenueTime : 0;
  head.instrumentId = instrument;
  head.time = book.time === 0 ? received - (received % 1_000) : book.time;
  head.received = received;
  head.firstUpdate = book.lastId;
  head.lastUpdate = book.lastId;
  records.clear();
  for (let at = 0; at + 1 < book.bids.length; at += 2) records.addBid(book.bids[at]!, book.bids[at + 1]!);
  for (let at = 0; at + 1 < book.asks.length; at += 2) records.addAsk(book.asks[at]!, book.asks[at + 1]!);
  const count = records.writeSnapshot(head, out, book.whole ? undefined : 0);
  if (isRefusal(count)) throw new RestFault('malformed', `a book that is none (${count})`);
  return count;
}
