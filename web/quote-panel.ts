/** The selected symbol at large: last price, change, best bid and ask, the day's range and volume. */
import type { TickwireClient } from '../src/client/client.ts';
import { byId, write } from './dom.ts';
import type { MarketState } from './market-state.ts';
import { grouped, percentText, shortText } from './number-text.ts';
import type { RenderPass } from './render-pass.ts';
import { changeOf, directionOf } from './symbol-list.ts';

export class QuotePanel {
  readonly touch: () => void;
  readonly #state: MarketState;
  readonly #client: TickwireClient;
  readonly #title = byId('title');
  readonly #price = byId('price');
  readonly #change = byId('change');
  readonly #bid = byId('bid');
  readonly #bidSize = byId('bid-size');
  readonly #ask = byId('ask');
  readonly #askSize = byId('ask-size');
  readonly #range = byId('range');
  readonly #volume = byId('volume');

  constructor(state: MarketState, client: TickwireClient, pass: RenderPass) {
    this.#state = state;
    this.#client = client;
    this.touch = pass.part(() => this.#draw());
  }

  #draw(): void {
    const row = this.#state.selected;
    if (row === undefined) return;
    const { instrument, listed, ticker } = row;
    const { dictionary } = this.#client;
    const isKnown = instrument !== 0 && row.last !== 0;
    const priceText = (mantissa: number): string => grouped(dictionary.priceText(instrument, mantissa));
    const last = isKnown ? priceText(row.last) : '–';
    write(this.#title, `${listed.base_currency}/${listed.quote_currency}`);
    write(byId('title-venue'), venueOf(listed.symbol));
    this.#title.title = listed.symbol;
    write(this.#price, last);
    this.#price.dataset['direction'] = row.direction;
    document.title = isKnown ? `${last} ${listed.base_currency} · Tickwire` : 'Tickwire';
    this.#drawDay(isKnown ? ticker : undefined, priceText);
    const { quote } = this.#state;
    const sizeText = (mantissa: number): string => `× ${grouped(dictionary.sizeText(instrument, mantissa))}`;
    const isQuoted = quote !== undefined && instrument !== 0;
    write(this.#bid, isQuoted ? priceText(quote.bid) : '–');
    write(this.#ask, isQuoted ? priceText(quote.ask) : '–');
    write(this.#bidSize, isQuoted ? sizeText(quote.bidSize) : '');
    write(this.#askSize, isQuoted ? sizeText(quote.askSize) : '');
  }

  #drawDay(
    ticker: NonNullable<MarketState['selected']>['ticker'],
    priceText: (mantissa: number) => string,
  ): void {
    if (ticker === undefined) {
      for (const element of [this.#change, this.#range, this.#volume]) write(element, '–');
      return;
    }
    const change = changeOf(ticker);
    write(this.#change, percentText(change));
    this.#change.dataset['direction'] = directionOf(change);
    write(this.#range, `${priceText(ticker.low)} – ${priceText(ticker.high)}`);
    const entry = this.#client.dictionary.get(ticker.instrument);
    const decimals = (entry?.priceDecimals ?? 0) + (entry?.sizeDecimals ?? 0);
    write(this.#volume, `${shortText(Number(ticker.quoteVolume) / 10 ** decimals)} ${entry?.quote ?? ''}`);
  }
}

function venueOf(symbol: string): string {
  const venue = symbol.slice(0, symbol.indexOf(':'));
  return venue.charAt(0) + venue.slice(1).toLowerCase();
}
