/** The candle chart: a series of bars, volumes below, Fibonacci prices across. */
import {
  type CandlestickData,
  CandlestickSeries,
  createChart,
  type HistogramData,
  HistogramSeries,
  type IChartApi,
  type IPriceLine,
  type ISeriesApi,
  LineStyle,
  type UTCTimestamp,
} from 'lightweight-charts';
import type { BarSeries, ChartBar } from './bar-series.ts';

export interface PriceMark {
  readonly price: number;
  readonly title: string;
}

interface Colours {
  readonly text: string;
  readonly grid: string;
  readonly up: string;
  readonly down: string;
  readonly provisional: string;
  readonly line: string;
}

/** When a series begins: pixels a candle, and free places right of the last one. */
const candlePixels = 6;
const marginRight = 5;

export class CandleChart {
  readonly #chart: IChartApi;
  readonly #candles: ISeriesApi<'Candlestick'>;
  readonly #volumes: ISeriesApi<'Histogram'>;
  #colours: Colours;
  #series: BarSeries | undefined;
  #isPlaced = false;
  /** Open time of the newest candle in the chart, s. */
  #drawnTo = 0;
  #marks: readonly PriceMark[] = [];
  #lines: IPriceLine[] = [];

  constructor(container: HTMLElement) {
    this.#colours = coloursOf(container);
    this.#chart = createChart(container, {
      autoSize: true,
      // The attribution stands in the page's footer: the built-in logo writes a style element, which a strict CSP refuses.
      layout: { attributionLogo: false, background: { color: 'transparent' }, fontSize: 11 },
      rightPriceScale: { borderVisible: false, scaleMargins: { top: 0.08, bottom: 0.22 } },
      timeScale: { borderVisible: false, timeVisible: true },
      localization: { timeFormatter: (time: unknown) => `${isoMinute(Number(time))} UTC` },
    });
    this.#candles = this.#chart.addSeries(CandlestickSeries, { borderVisible: false });
    this.#volumes = this.#chart.addSeries(HistogramSeries, {
      priceScaleId: 'volume',
      priceFormat: { type: 'volume' },
      lastValueVisible: false,
      priceLineVisible: false,
    });
    this.#chart.priceScale('volume').applyOptions({ scaleMargins: { top: 0.84, bottom: 0 } });
    this.#paint();
    matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => {
      this.#colours = coloursOf(container);
      this.#paint();
      this.#drawWhole();
      this.mark(this.#marks);
    });
  }

  /** The bar under the pointer, or undefined when there is none. */
  onPointer(listener: (time: number | undefined) => void): void {
    this.#chart.subscribeCrosshairMove(({ time }) => listener(time === undefined ? undefined : Number(time)));
  }

  /** Begins a series of its own. */
  show(series: BarSeries, priceDecimals: number, withSeconds: boolean): void {
    this.#series = series;
    this.#isPlaced = false;
    this.#chart.applyOptions({ timeScale: { secondsVisible: withSeconds } });
    this.#candles.applyOptions({
      priceFormat: { type: 'price', precision: priceDecimals, minMove: 10 ** -priceDecimals },
    });
    this.#drawWhole();
  }

  /** Draws what changed in the series since the last call. */
  update(): void {
    if (this.#series === undefined) return;
    const { whole, bars } = this.#series.drain();
    if (whole) return this.#drawWhole();
    for (const bar of bars) {
      // A bar closes a little after the next one has begun, and may be corrected later still.
      const isOlder = bar.time < this.#drawnTo;
      this.#drawnTo = Math.max(this.#drawnTo, bar.time);
      this.#candles.update(this.#candle(bar), isOlder);
      this.#volumes.update(this.#volume(bar), isOlder);
    }
  }

  /** Replaces the price lines. */
  mark(marks: readonly PriceMark[]): void {
    this.#marks = marks;
    for (const line of this.#lines) this.#candles.removePriceLine(line);
    const { line: color } = this.#colours;
    const style = { color, lineWidth: 1, lineStyle: LineStyle.Dashed, axisLabelVisible: true } as const;
    this.#lines = marks.map((mark) => this.#candles.createPriceLine({ ...mark, ...style }));
  }

  #drawWhole(): void {
    if (this.#series === undefined) return;
    this.#series.drain();
    const { bars } = this.#series;
    this.#drawnTo = this.#series.last?.time ?? 0;
    this.#candles.setData(bars.map((bar) => this.#candle(bar)));
    this.#volumes.setData(bars.map((bar) => this.#volume(bar)));
    if (this.#isPlaced || bars.length === 0) return;
    const to = bars.length - 1 + marginRight;
    const candles = this.#chart.timeScale().width() / candlePixels;
    if (candles > 0) this.#chart.timeScale().setVisibleLogicalRange({ from: to - candles, to });
  }

  /** The view stays where the user moves it from now on. */
  placed(): void {
    this.#isPlaced = true;
  }

  #candle(bar: ChartBar): CandlestickData<UTCTimestamp> {
    const { open, high, low, close, incomplete } = bar;
    const candle = { time: bar.time as UTCTimestamp, open, high, low, close };
    const { provisional } = this.#colours;
    return incomplete ? { ...candle, color: provisional, wickColor: provisional } : candle;
  }

  #volume(bar: ChartBar): HistogramData<UTCTimestamp> {
    const color = bar.close >= bar.open ? `${this.#colours.up}55` : `${this.#colours.down}55`;
    return { time: bar.time as UTCTimestamp, value: bar.volume, color };
  }

  #paint(): void {
    const { text, grid, up, down } = this.#colours;
    this.#chart.applyOptions({
      layout: { textColor: text },
      grid: { vertLines: { color: grid }, horzLines: { color: grid } },
    });
    this.#candles.applyOptions({ upColor: up, downColor: down, wickUpColor: up, wickDownColor: down });
  }
}

/** Colours are the style sheet's: six hexadecimal digits, so that the chart can thin them. */
function coloursOf(element: Element): Colours {
  const style = getComputedStyle(element);
  const colour = (name: string): string => style.getPropertyValue(`--${name}`).trim();
  return {
    text: colour('dim'),
    grid: colour('grid'),
    up: colour('up'),
    down: colour('down'),
    provisional: colour('warn'),
    line: colour('accent'),
  };
}

function isoMinute(seconds: number): string {
  return new Date(seconds * 1_000).toISOString().slice(0, 19).replace('T', ' ');
}
