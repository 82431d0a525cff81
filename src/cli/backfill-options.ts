/** What may be typed after `tickwire backfill` and `tickwire symbols`: for `parseArgs`, and for those who read it. */

/** For `parseArgs`. */
export const backfillOptions = {
  symbol: { type: 'string' },
  all: { type: 'boolean' },
  interval: { type: 'string' },
  days: { type: 'string' },
  from: { type: 'string' },
  to: { type: 'string' },
  replace: { type: 'boolean' },
} as const;

/** The words after `backfill`, and its options as they were typed. */
export interface BackfillArguments {
  readonly words: readonly string[];
  readonly symbol?: string | undefined;
  readonly all?: boolean | undefined;
  readonly interval?: string | undefined;
  readonly days?: string | undefined;
  readonly from?: string | undefined;
  readonly to?: string | undefined;
  readonly replace?: boolean | undefined;
}

export const backfillUsage = `  tickwire backfill --symbol S[,S2]|--all --interval 1m --days N | --from DAY [--to DAY] [--replace]
                     fetches the exchange's candles of the past; own bars are kept (--replace: but for incomplete ones)
  tickwire backfill list | pause ID | resume ID
`;

/** The words after `symbols`. */
export interface SymbolsArguments {
  readonly words: readonly string[];
}

export const symbolsUsage = `  tickwire symbols refresh            asks the exchanges, and says what is new, changed or gone
  tickwire symbols list | active | search TEXT
`;
