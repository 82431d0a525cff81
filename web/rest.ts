/** The server's HTTP answers that the page needs, beside the live stream. */
import type { ChartBar } from './bar-series.ts';

export interface ListedSymbol {
  /** Canonical, such as `BINANCE:BTCUSDT`. */
  readonly symbol: string;
  readonly venue: string;
  readonly base_currency: string;
  readonly quote_currency: string;
  readonly is_active: boolean;
}

/** Relative to the page, so that it may live below a path. */
export function apiUrl(path: string): URL {
  return new URL(`api/v1/${path}`, document.baseURI);
}

export async function fetchSymbols(): Promise<ListedSymbol[]> {
  return fetchJson<ListedSymbol[]>(apiUrl('symbols'));
}

/** The newest bars, rising in time. */
export async function fetchBars(
  symbol: string,
  resolution: string,
  limit: number,
  signal: AbortSignal,
): Promise<ChartBar[]> {
  const url = apiUrl(`symbols/${encodeURIComponent(symbol)}/bars`);
  url.searchParams.set('resolution', resolution);
  url.searchParams.set('limit', String(limit));
  return (await fetchJson<{ readonly bars: ChartBar[] }>(url, signal)).bars;
}

async function fetchJson<T>(url: URL, signal?: AbortSignal): Promise<T> {
  const answer = await fetch(url, { headers: { accept: 'application/json' }, ...(signal && { signal }) });
  if (answer.ok) return (await answer.json()) as T;
  const problem = (await answer.json().catch(() => undefined)) as { error?: string } | undefined;
  throw new Error(problem?.error ?? `${url.pathname}: HTTP ${answer.status}`);
}
