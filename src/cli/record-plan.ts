/** What was typed after `tickwire record`, checked. */
import { join } from 'node:path';
import type { Config } from '../config/load.ts';
import { nearest } from '../config/nearest.ts';
import { parseBytes, parseDuration } from '../config/units.ts';
import { recordingDefaults } from '../feeds/recording-files.ts';
import { venues } from '../feeds/registry.ts';
import { type VenueSettings, venueSettings } from '../threads/venues.ts';
import { UsageFault } from './arguments.ts';
import type { RecordArguments } from './record-options.ts';

export interface RecordPlan {
  readonly folder: string;
  readonly rotateMs?: number;
  readonly rotateBytes?: number;
  readonly forMs: number | undefined;
  readonly venues: readonly VenueSettings[];
  /** As typed; undefined for those of the configuration. */
  readonly symbols: readonly string[] | undefined;
}

const durationMost = 365 * 86_400_000;

/** @throws UsageFault in one sentence */
export function recordPlan(args: RecordArguments, config: Config): RecordPlan {
  const all = venueSettings(config);
  const names = listOf('venue', args.venue);
  const known = Object.keys(venues);
  const chosen = names?.map((name) => {
    if (!known.includes(name.toLowerCase())) {
      const meant = nearest(name, known);
      throw new UsageFault(
        `--venue takes some of ${known.join(', ')}, not "${name}"${meant === undefined ? '' : `; did you mean ${meant}?`}`,
      );
    }
    const settings = all.find(({ venue }) => venue.name === name.toUpperCase());
    if (settings === undefined) {
      const section = name.toLowerCase() === 'binance' ? 'exchange' : name.toLowerCase();
      throw new UsageFault(
        `${name} is not enabled: add --set ${section}.enabled=true, or set it in the configuration`,
      );
    }
    return settings;
  });
  if (all.length === 0)
    throw new UsageFault('no venue is enabled: set exchange.enabled, coinbase.enabled or backpack.enabled');
  return {
    folder: args.out ?? join(config.dataDir, 'recordings'),
    ...rotationOf(args.rotate),
    forMs: args.for === undefined ? undefined : lengthOf('for', args.for),
    venues: chosen ?? all,
    symbols: listOf('symbols', args.symbols),
  };
}

function listOf(option: string, text: string | undefined): string[] | undefined {
  if (text === undefined) return undefined;
  const names = text.split(',').map((name) => name.trim());
  if (names.some((name) => name === ''))
    throw new UsageFault(`--${option} takes names with commas between them`);
  return [...new Set(names)];
}

function rotationOf(text: string | undefined): Pick<RecordPlan, 'rotateMs' | 'rotateBytes'> {
  if (text === undefined) return { rotateMs: recordingDefaults.rotateMs };
  const bytes = text.endsWith('B') ? parseBytes(text) : undefined;
  if (bytes !== undefined && bytes >= 1_024) return { rotateBytes: bytes };
  const ms = /\d$/.test(text) ? undefined : parseDuration(text);
  if (ms !== undefined && ms >= 1_000 && ms <= durationMost) return { rotateMs: ms };
  throw new UsageFault(
    `--rotate takes a time from 1s or a size from 1KiB, such as 1h or 512MiB, not "${text}"`,
  );
}

function lengthOf(option: string, text: string): number {
  const ms = /\d$/.test(text) ? undefined : parseDuration(text);
  if (ms !== undefined && ms >= 1 && ms <= durationMost) return ms;
  throw new UsageFault(`--${option} takes a time such as 60s or 12h, not "${text}"`);
}
