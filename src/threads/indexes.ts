/** The indexes of the configuration: which can be made of what is listed, and of which parts. */
import type { Config } from '../config/load.ts';
import { canonicalSymbol, type Dictionary, type Instrument } from '../market/instrument.ts';
import type { Listed } from './listing.ts';

export const indexVenue = 'INDEX';
/** An index of fewer parts is no aggregate. */
const partsMin = 2;

interface Definition {
  readonly native: string;
  readonly parts: readonly { readonly symbol: string; readonly weight: number }[];
}

export interface IndexPart {
  readonly instrument: number;
  readonly symbol: string;
  readonly weight: number;
  /** Digits by which the index is finer than the part. */
  readonly shift: number;
}

export interface IndexDefinition {
  readonly instrument: number;
  readonly symbol: string;
  /** In the order of the definition, which is the order of the fallback. */
  readonly parts: readonly IndexPart[];
}

/** Reads `BTCUSD = BINANCE:BTCUSDT * 0.5 + COINBASE:BTC-USD * 0.5`, whose form the configuration has checked. */
function parse(text: string): Definition {
  const [native = '', terms = ''] = text.split(' = ');
  const parts = terms.split(' + ').map((term) => {
    const [symbol = '', weight = ''] = term.split(' * ');
    return { symbol, weight: Number(weight) };
  });
  return { native, parts };
}

/** Those whose parts are listed, as instruments to enrol: as fine as the finest part. */
export function indexInstruments(config: Config, listed: readonly Listed[]): Listed[] {
  const bySymbol = new Map(listed.map((one) => [one.symbol, one]));
  return config.index.definitions.map(parse).flatMap(({ native, parts }) => {
    const known = parts.flatMap(({ symbol }) => bySymbol.get(symbol) ?? []);
    if (known.length < partsMin) return [];
    return [
      {
        venue: indexVenue,
        native,
        symbol: canonicalSymbol(indexVenue, native),
        base: known[0]!.base,
        quote: native.slice(known[0]!.base.length) || known[0]!.quote,
        priceDecimals: Math.max(...known.map(({ priceDecimals }) => priceDecimals)),
        sizeDecimals: 0,
        active: true,
      },
    ];
  });
}

/** The same by their numbers. */
export function indexDefinitions(config: Config, dictionary: Dictionary): IndexDefinition[] {
  const bySymbol = new Map(dictionary.instruments.map((one) => [one.symbol, one]));
  return config.index.definitions.map(parse).flatMap(({ native, parts }) => {
    const index = bySymbol.get(canonicalSymbol(indexVenue, native));
    if (index?.active !== true) return [];
    const known = parts.flatMap(({ symbol, weight }): IndexPart[] => {
      const part = bySymbol.get(symbol);
      return part?.active === true ? [partOf(index, part, weight)] : [];
    });
    return known.length < partsMin ? [] : [{ instrument: index.id, symbol: index.symbol, parts: known }];
  });
}

function partOf(index: Instrument, { id, symbol, priceDecimals }: Instrument, weight: number): IndexPart {
  return { instrument: id, symbol, weight, shift: index.priceDecimals - priceDecimals };
}
