/** What is subscribed to, as the server has acknowledged it: to be asked for again on a new connection. */
import type { Request } from './requests.ts';

/** Symbols of one request at most: well below every server's limit for a request and for a message's length. */
const symbolsPerRequest = 200;

export class Subscriptions {
  readonly #channels = new Map<string, Set<string>>();

  add(symbols: readonly string[], channels: readonly string[]): void {
    for (const symbol of symbols) {
      const held = this.#channels.get(symbol) ?? new Set();
      for (const channel of channels) held.add(channel);
      this.#channels.set(symbol, held);
    }
  }

  remove(symbols: readonly string[], channels: readonly string[]): void {
    for (const symbol of symbols) {
      const held = this.#channels.get(symbol);
      for (const channel of channels) held?.delete(channel);
      if (held?.size === 0) this.#channels.delete(symbol);
    }
  }

  has(symbol: string, channel: string): boolean {
    return this.#channels.get(symbol)?.has(channel) ?? false;
  }

  /** Canonical symbols. */
  symbols(): string[] {
    return [...this.#channels.keys()];
  }

  /** Requests that restore it all: one per set of channels and so many symbols. */
  requests(): Request[] {
    const groups = new Map<string, { symbols: string[]; channels: string[] }>();
    for (const [symbol, held] of this.#channels) {
      const channels = [...held].toSorted();
      const key = channels.join(' ');
      const group = groups.get(key) ?? { symbols: [], channels };
      group.symbols.push(symbol);
      groups.set(key, group);
    }
    const requests: Request[] = [];
    for (const { symbols, channels } of groups.values()) {
      for (let from = 0; from < symbols.length; from += symbolsPerRequest) {
        requests.push({
          type: 'subscribe',
          symbols: symbols.slice(from, from + symbolsPerRequest),
          channels,
        });
      }
    }
    return requests;
  }
}
