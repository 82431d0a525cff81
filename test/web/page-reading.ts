/** What a test reads off the page. */
import type { Page } from 'playwright-core';

export const state = (page: Page, name: string): Promise<unknown> =>
  page.waitForSelector(`#state[data-state=${name}]`, { timeout: 20_000 });
export const text = (page: Page, selector: string): Promise<string> => page.locator(selector).innerText();
export const prices = (page: Page): Promise<string[]> => page.locator('[role=option] .last').allInnerTexts();
export const chartData = (page: Page): Promise<Record<string, string>> =>
  page.locator('#chart').evaluate((chart) => ({ ...chart.dataset }) as Record<string, string>);

/** Reads until it is as wanted; gives back what was read then. */
export async function eventually<T>(read: () => Promise<T>, isGood: (value: T) => boolean): Promise<T> {
  const until = Date.now() + 20_000;
  for (;;) {
    const value = await read();
    if (isGood(value)) return value;
    if (Date.now() > until) throw new Error(`not as wanted within 20 s: ${JSON.stringify(value)}`);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

/** Pixels of the chart that are coloured (neither see-through nor grey): candles, volumes, price line. */
export function colouredPixels(page: Page): Promise<number> {
  return page.locator('#chart').evaluate((chart) => {
    let coloured = 0;
    for (const canvas of chart.querySelectorAll('canvas')) {
      if (canvas.width === 0 || canvas.height === 0) continue;
      const { data } = canvas.getContext('2d')!.getImageData(0, 0, canvas.width, canvas.height);
      for (let at = 0; at < data.length; at += 4) {
        const [red, green, alpha] = [data[at]!, data[at + 1]!, data[at + 3]!];
        if (alpha > 60 && Math.abs(red - green) > 60) coloured++;
      }
    }
    return coloured;
  });
}

export interface ShownBook {
  /** From top to bottom; levels that are not shown are left out. */
  readonly asks: readonly number[];
  readonly bids: readonly number[];
  readonly sizes: readonly number[];
  /** Between the best of both sides, as its text; empty without them. */
  readonly spread: string;
  readonly state: string;
}

function column(rows: readonly (readonly string[])[], place: number): string[] {
  return rows.map((row) => row[place]!.replaceAll('\u202f', '')).filter((shown) => shown !== '');
}

/** The order book as it stands at one moment. */
export async function book(page: Page): Promise<ShownBook> {
  const cells = await page.locator('.book').evaluate((panel) => {
    const rows = (id: string): string[][] =>
      [...panel.querySelectorAll(`#${id} tr`)].map((row) =>
        [...row.querySelectorAll('td')].map((cell) => cell.textContent),
      );
    return {
      asks: rows('book-asks'),
      bids: rows('book-bids'),
      state: panel.querySelector('#book-state')!.textContent,
    };
  });
  const asks = column(cells.asks, 0);
  const bids = column(cells.bids, 0);
  const decimals = asks.at(-1)?.split('.')[1]?.length ?? 0;
  return {
    asks: asks.map(Number),
    bids: bids.map(Number),
    sizes: [...column(cells.asks, 1), ...column(cells.bids, 1)].map(Number),
    spread: asks.length === 0 ? '' : (Number(asks.at(-1)) - Number(bids[0])).toFixed(decimals),
    state: cells.state,
  };
}
