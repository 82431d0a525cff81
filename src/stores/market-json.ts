/**
 * What is read from the stores as JSON text (document 002, section API). Prices and volumes are JSON numbers, printed
 * from their mantissas digit by digit: nothing is rounded here.
 */
import { enigmaLevel, fibonacciNames, fibonacciPrices } from '../market/enigma.ts';
import type { Instrument } from '../market/instrument.ts';
import type { LatestPrice } from '../market/latest.ts';
import { decimalOf } from '../market/mantissa.ts';
import type { Bar, Enigma, TradeRow } from '../market/tick.ts';

const levelDecimals = 4;

/** The list of symbols; `id` is that of the dictionary. */
export function symbolsJson(instruments: readonly Instrument[]): string {
  const rows = instruments.map(
    (instrument) =>
      `{"symbol":${quoted(instrument.symbol)},"id":${instrument.id},"name":${quoted(`${instrument.base}/${instrument.quote}`)},` +
      `"base_currency":${quoted(instrument.base)},"quote_currency":${quoted(instrument.quote)},"is_active":${instrument.active},` +
      `"venue":${quoted(instrument.venue)},"native":${quoted(instrument.native)},"priceDecimals":${instrument.priceDecimals},` +
      `"sizeDecimals":${instrument.sizeDecimals},"tickSize":${decimalOf(1, instrument.priceDecimals)}}`,
  );
  return `[${rows.join(',')}]`;
}

/** `volume` is the last trade's size, `timestamp` ms; what was not seen yet is null. */
export function priceJson(instrument: Instrument, latest: LatestPrice): string {
  const price = (mantissa: number): string =>
    mantissa === 0 ? 'null' : decimalOf(mantissa, instrument.priceDecimals);
  const volume = latest.price === 0 ? 'null' : decimalOf(latest.size, instrument.sizeDecimals);
  return (
    `{"symbol":${quoted(instrument.symbol)},"price":${price(latest.price)},"bid":${price(latest.bid)},` +
    `"ask":${price(latest.ask)},"volume":${volume},"timestamp":${Math.floor(latest.time / 1_000)}}`
  );
}

/** Bars, rising in time; `time` is s. */
export function barsJson(instrument: Instrument, resolution: string, bars: readonly Bar[]): string {
  const { priceDecimals, sizeDecimals } = instrument;
  const head = `{"symbol":${quoted(instrument.symbol)},"resolution":${quoted(resolution)},"bars":[`;
  return `${head}${bars.map((bar) => barJson(bar, priceDecimals, sizeDecimals)).join(',')}]}`;
}

function barJson(bar: Bar, priceDecimals: number, sizeDecimals: number): string {
  const price = (mantissa: number): string => decimalOf(mantissa, priceDecimals);
  const volume = (sum: bigint): string => decimalOf(whole(sum), sizeDecimals);
  const quoteVolume = (sum: bigint): string => decimalOf(whole(sum), priceDecimals + sizeDecimals);
  return (
    `{"time":${bar.openTime / 1_000_000},"open":${price(bar.open)},"high":${price(bar.high)},` +
    `"low":${price(bar.low)},"close":${price(bar.close)},"volume":${volume(bar.volume)},` +
    `"quoteVolume":${quoteVolume(bar.quoteVolume)},"trades":${bar.count},` +
    `"takerBuyVolume":${volume(bar.takerBuyVolume)},"takerBuyQuoteVolume":${quoteVolume(bar.takerBuyQuoteVolume)},` +
    `"firstId":${bar.firstId},"lastId":${bar.lastId},"closed":${bar.closed},"revision":${bar.revision},` +
    `"incomplete":${bar.incomplete}${bar.backfilled === true ? ',"backfilled":true' : ''}}`
  );
}

/** Trades, rising by id; `time` is µs. */
export function tradesJson(instrument: Instrument, trades: readonly TradeRow[]): string {
  const { priceDecimals, sizeDecimals } = instrument;
  const price = (mantissa: number): string => (mantissa === 0 ? 'null' : decimalOf(mantissa, priceDecimals));
  const rows = trades.map(
    (trade) =>
      `{"id":${trade.id},"time":${trade.time},"price":${price(trade.price)},"size":${decimalOf(trade.size, sizeDecimals)},` +
      `"side":"${trade.takerSold ? 'sell' : 'buy'}","bid":${price(trade.bid)},"ask":${price(trade.ask)},` +
      `"firstId":${trade.firstId},"lastId":${trade.lastId}}`,
  );
  return `{"symbol":${quoted(instrument.symbol)},"trades":[${rows.join(',')}]}`;
}

/**
 * Times are ms, null where unknown. A newer price moves the level only: whether it is a new extreme or a bad print
 * is for the shard to say.
 */
export function enigmaJson(instrument: Instrument, enigma: Enigma, latest: LatestPrice | undefined): string {
  const decimals = instrument.priceDecimals;
  const { ath, atl } = enigma;
  const isNewer = latest !== undefined && latest.price > 0 && latest.time >= enigma.time;
  const price = isNewer ? latest.price : enigma.price;
  const level = isNewer ? enigmaLevel(price, ath, atl) : enigma.level;
  const fibonacci = fibonacciPrices(ath, atl).map(
    (at, i) => `"${fibonacciNames[i]}":${decimalOf(at, decimals)}`,
  );
  return (
    `{"symbol":${quoted(instrument.symbol)},"level":${decimalOf(level, levelDecimals)},` +
    `"ath":${decimalOf(ath, decimals)},"atl":${decimalOf(atl, decimals)},"athTime":${millis(enigma.athTime)},` +
    `"atlTime":${millis(enigma.atlTime)},"current_price":${decimalOf(price, decimals)},` +
    `"fib_levels":{${fibonacci.join(',')}}}`
  );
}

function millis(micros: number): string {
  return micros === 0 ? 'null' : String(Math.floor(micros / 1_000));
}

function quoted(text: string): string {
  return JSON.stringify(text);
}

/** Most sums fit a double, whose digits are printed faster. */
function whole(sum: bigint): number | bigint {
  return sum <= Number.MAX_SAFE_INTEGER ? Number(sum) : sum;
}
