/** What may be typed after `tickwire record`: for `parseArgs`, and for who reads it. */

/** For `parseArgs`. */
export const recordOptions = {
  venue: { type: 'string' },
  symbols: { type: 'string' },
  out: { type: 'string' },
  rotate: { type: 'string' },
  for: { type: 'string' },
} as const;

/** As typed. */
export interface RecordArguments {
  readonly venue?: string | undefined;
  readonly symbols?: string | undefined;
  readonly out?: string | undefined;
  readonly rotate?: string | undefined;
  readonly for?: string | undefined;
}

export const recordUsage = `  tickwire record [--venue V[,V2]] [--symbols S[,S2]] [--out DIR] [--rotate 1h|512MiB] [--for 60s]
                     writes what the exchanges send to VENUE-TIME.tsv.gz, a new file after an hour or as told
`;
