/** Chart, its legend, the choice of a bar's length, and the switch of the Fibonacci lines. */
import type { TickwireClient } from '../src/client/client.ts';
import type { ChartBar } from './bar-series.ts';
import { CandleChart, type PriceMark } from './candle-chart.ts';
import { byId, child, write } from './dom.ts';
import { fibonacciPrices } from './enigma-panel.ts';
import type { MarketFeed } from './market-feed.ts';
import { type MarketState, type Resolution, resolutions } from './market-state.ts';
import { grouped, shortText } from './number-text.ts';
import type { RenderPass } from './render-pass.ts';

export class ChartPanel {
  readonly #state: MarketState;
  readonly #client: TickwireClient;
  readonly #feed: () => MarketFeed;
  readonly #box = byId('chart');
  readonly #chart = new CandleChart(this.#box);
  readonly #legend = byId('legend');
  readonly #fibonacci = byId('fibonacci') as HTMLInputElement;
  readonly #choices = new Map<Resolution, HTMLInputElement>();
  #pointedAt: number | undefined;
  #shown: unknown;
  #marks = '';
  /** A live bar came. */
  readonly touch: () => void;
  /** The series began anew, or its history came. */
  readonly touchSeries: () => void;
  /** All-time high or low, or the switch, may have changed. */
  readonly touchMarks: () => void;

  constructor(
    state: MarketState,
    client: TickwireClient,
    feed: () => MarketFeed,
    pass: RenderPass,
    choose: (resolution: Resolution) => void,
  ) {
    this.#state = state;
    this.#client = client;
    this.#feed = feed;
    this.touch = pass.part(() => this.#draw());
    this.touchSeries = pass.part(() => this.#drawSeries());
    this.touchMarks = pass.part(() => this.#drawMarks());
    this.#chart.onPointer((time) => {
      this.#pointedAt = time;
      this.touch();
    });
    this.#fibonacci.addEventListener('change', this.touchMarks);
    this.#offer(choose);
  }

  #offer(choose: (resolution: Resolution) => void): void {
    const box = byId('resolutions');
    for (const resolution of resolutions) {
      const label = child(box, 'label');
      const input = child(label, 'input');
      input.type = 'radio';
      input.name = 'resolution';
      input.value = resolution;
      input.addEventListener('change', () => choose(resolution));
      child(label, 'span').textContent = resolution;
      this.#choices.set(resolution, input);
    }
  }

  #drawSeries(): void {
    const { selection, selected } = this.#state;
    const { series, isLoading } = this.#feed();
    if (selection === undefined || selected === undefined) return;
    this.#choices.get(selection.resolution)!.checked = true;
    // The dictionary may come after the choice: the number of decimals is then asked for again.
    const decimals = this.#client.dictionary.get(selected.instrument)?.priceDecimals ?? 2;
    if (this.#shown !== series || !isLoading) {
      this.#shown = series;
      this.#chart.show(series, decimals, selection.resolution.endsWith('s'));
      if (!isLoading) this.#chart.placed();
      const { base_currency: base, quote_currency: quote } = selected.listed;
      this.#box.setAttribute('aria-label', `Candles of ${base}/${quote}, ${selection.resolution} each`);
    }
    this.#box.dataset['loading'] = String(isLoading);
    this.#draw();
    this.#drawMarks();
  }

  #draw(): void {
    const { series, isLoading } = this.#feed();
    if (this.#shown === series) this.#chart.update();
    const { last } = series;
    const bar = (this.#pointedAt === undefined ? undefined : series.at(this.#pointedAt)) ?? last;
    write(
      this.#legend,
      bar === undefined ? (isLoading ? 'loading …' : 'no trades yet') : this.#legendText(bar),
    );
    this.#legend.dataset['direction'] = bar === undefined ? 'flat' : bar.close >= bar.open ? 'up' : 'down';
    this.#box.dataset['bars'] = String(series.bars.length);
    this.#box.dataset['last'] = last === undefined ? '' : `${last.time}:${last.trades}:${last.close}`;
  }

  #legendText(bar: ChartBar): string {
    const decimals = this.#client.dictionary.get(this.#state.selected?.instrument ?? 0)?.priceDecimals ?? 2;
    const price = (value: number): string => grouped(value.toFixed(decimals));
    const status = bar.incomplete
      ? 'provisional: trades are missing'
      : bar.closed
        ? bar.revision > 0
          ? `closed, corrected ${bar.revision}×`
          : 'closed'
        : 'forming';
    const { open, high, low, close, volume, trades } = bar;
    return `O ${price(open)}  H ${price(high)}  L ${price(low)}  C ${price(close)}  V ${shortText(volume)}  ${trades} trades, ${status}`;
  }

  #drawMarks(): void {
    const { enigma } = this.#state;
    const isWanted = this.#fibonacci.checked && enigma !== undefined;
    const { dictionary } = this.#client;
    const marks: PriceMark[] = !isWanted
      ? []
      : fibonacciPrices(enigma).map(({ percent, price }) => ({
          price: dictionary.priceOf(enigma.instrument, price),
          title: percent === 0 ? 'ATL' : percent === 100 ? 'ATH' : `${percent} %`,
        }));
    const text = JSON.stringify(marks);
    if (text === this.#marks) return;
    this.#marks = text;
    this.#chart.mark(marks);
    this.#box.dataset['marks'] = String(marks.length);
  }
}
