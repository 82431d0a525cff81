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
