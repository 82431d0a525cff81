/**
 * What a client asks for: `{"method":"SUBSCRIBE","params":["trade.SOL_USDC"]}`. Nothing is said when all is well;
 * each stream that does not exist brings an error.
 */
import { klineNames } from './intervals.ts';

/** Codes and words: 4002, 4006 and 4008 as recorded. */
export const errors = {
  parse: [4002, 'Parse error'],
  method: [4004, 'Invalid method'],
  stream: [4006, 'Invalid stream'],
  depthWindow: [4008, 'Invalid depth window'],
  overloaded: [5000, 'Internal error'],
} as const;
export type ErrorName = keyof typeof errors;

/** Windows of the depth stream, by their name in the stream; '' is every update. */
export const depthWindows: ReadonlyMap<string, number> = new Map([
  ['', 0],
  ['200ms', 200],
  ['600ms', 600],
  ['1000ms', 1_000],
]);

export interface Control {
  readonly kind: 'SUBSCRIBE' | 'UNSUBSCRIBE' | 'refused';
  readonly streams: readonly string[];
  /** Whole messages. */
  readonly errors: readonly string[];
}

export function errorText(name: ErrorName, id: unknown = null): string {
  const [code, message] = errors[name];
  const shown = typeof id === 'number' || typeof id === 'string' ? id : null;
  return JSON.stringify({ id: shown, error: { code, message } });
}

export function readControl(text: string, listed: (symbol: string) => boolean): Control {
  let request: unknown;
  try {
    request = JSON.parse(text);
  } catch {
    return refused('parse');
  }
  if (typeof request !== 'object' || request === null || Array.isArray(request)) return refused('parse');
  const { method, params, id } = request as { method?: unknown; params?: unknown; id?: unknown };
  if (method !== 'SUBSCRIBE' && method !== 'UNSUBSCRIBE') return refused('method', id);
  if (!Array.isArray(params) || !params.every((name) => typeof name === 'string'))
    return refused('parse', id);
  const streams: string[] = [];
  const faults: string[] = [];
  for (const name of params) {
    const fault = streamFault(name, listed);
    if (fault === undefined) streams.push(name);
    else if (method === 'SUBSCRIBE') faults.push(errorText(fault, id));
  }
  return { kind: method, streams, errors: faults };
}

/** A stream's name in parts: `depth.200ms.SOL_USDC` is depth, 200ms and SOL_USDC. Symbols may hold points. */
export function partsOf(name: string): { type: string; detail: string; symbol: string } {
  const [type = '', second = '', ...rest] = name.split('.');
  const detailed = type === 'kline' || (type === 'depth' && rest.length > 0 && /^\d+ms$/.test(second));
  if (!detailed) return { type, detail: '', symbol: [second, ...rest].join('.') };
  return { type, detail: second, symbol: rest.join('.') };
}

export function streamFault(name: string, listed: (symbol: string) => boolean): ErrorName | undefined {
  const { type, detail, symbol } = partsOf(name);
  if (type === 'depth' && !depthWindows.has(detail)) return 'depthWindow';
  if (type === 'kline' && !klineNames.has(detail)) return 'stream';
  const known = ['bookTicker', 'depth', 'trade', 'kline', 'ticker'].includes(type);
  return known && listed(symbol) ? undefined : 'stream';
}

function refused(name: ErrorName, id?: unknown): Control {
  return { kind: 'refused', streams: [], errors: [errorText(name, id)] };
}
