/** Where the price stands between its all-time low and high, with the Fibonacci prices between them. */
import type { TickwireClient } from '../src/client/client.ts';
import { byId, child, write } from './dom.ts';
import type { Enigma, MarketState } from './market-state.ts';
import { dateText, grouped } from './number-text.ts';
import type { RenderPass } from './render-pass.ts';

/** Tenths of a per cent, from the all-time low upwards (`proto/frames.md`). */
const fibonacciTenths = [0, 236, 382, 500, 618, 786, 1_000] as const;

export interface FibonacciPrice {
  readonly percent: number;
  /** Mantissa. */
  readonly price: number;
}

/** The prices that the server's own rule gives: `atl + (ath − atl) × ratio`, rounded half up. */
export function fibonacciPrices({ ath, atl }: Pick<Enigma, 'ath' | 'atl'>): FibonacciPrice[] {
  const range = BigInt(Math.max(0, ath - atl));
  return fibonacciTenths.map((tenths) => ({
    percent: tenths / 10,
    price: atl + Number((range * BigInt(tenths) * 2n + 1_000n) / 2_000n),
  }));
}

const levelScale = 10_000;

export class EnigmaPanel {
  readonly touch: () => void;
  readonly #state: MarketState;
  readonly #client: TickwireClient;
  readonly #steps: readonly HTMLElement[];
  readonly #meter = byId('meter');
  readonly #mark = byId('mark');

  constructor(state: MarketState, client: TickwireClient, pass: RenderPass) {
    this.#state = state;
    this.#client = client;
    const ticks = byId('ticks');
    for (const tenths of fibonacciTenths) child(ticks, 'i').style.left = `${tenths / 10}%`;
    const list = byId('fibonacci-prices');
    this.#steps = fibonacciTenths.toReversed().map((tenths) => {
      const item = child(list, 'li');
      child(item, 'span', 'dim').textContent = `${tenths / 10} %`;
      return child(item, 'b');
    });
    this.touch = pass.part(() => this.#draw());
  }

  #draw(): void {
    const { enigma } = this.#state;
    const level = enigma === undefined ? undefined : enigma.level / levelScale;
    write(byId('level'), level === undefined ? '–' : `${level.toFixed(2)} %`);
    this.#meter.classList.toggle('unknown', level === undefined);
    this.#mark.style.left = `${level ?? 0}%`;
    if (level === undefined) this.#meter.removeAttribute('aria-valuenow');
    else this.#meter.setAttribute('aria-valuenow', level.toFixed(2));
    const text = (mantissa: number): string =>
      grouped(this.#client.dictionary.priceText(enigma!.instrument, mantissa));
    this.#drawEnd('atl', enigma && text(enigma.atl), enigma?.atlTime);
    this.#drawEnd('ath', enigma && text(enigma.ath), enigma?.athTime);
    const prices = enigma === undefined ? [] : fibonacciPrices(enigma);
    for (const [index, step] of this.#steps.toReversed().entries()) {
      const price = prices[index]?.price;
      write(step, price === undefined ? '–' : text(price));
      step.parentElement!.classList.toggle('reached', price !== undefined && price <= enigma!.price);
    }
  }

  #drawEnd(name: 'atl' | 'ath', price: string | undefined, time: number | undefined): void {
    write(byId(name), price ?? '–');
    const date = byId(`${name}-time`) as HTMLTimeElement;
    write(date, time === undefined || time === 0 ? '' : dateText(time));
  }
}
