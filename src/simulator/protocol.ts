/** What the simulator's process and its parent say to each other over IPC. */
import type { Command } from './commands.ts';
import type { Simulator } from './options.ts';
import type { ListedSymbol, TimeRange } from './source.ts';
import type { SimulatorReport } from './tally.ts';

export type SimulatorMessage =
  | {
      readonly kind: 'ready';
      readonly wsUrl: string;
      readonly restUrl: string;
      readonly listing: readonly ListedSymbol[];
      readonly venues: Simulator['venues'];
      readonly range?: TimeRange;
    }
  | { readonly kind: 'finished'; readonly report: SimulatorReport }
  | { readonly kind: 'report'; readonly report: SimulatorReport }
  /** A command was done, or refused with these words. */
  | { readonly kind: 'done'; readonly id: number; readonly refusal?: string }
  | { readonly kind: 'fault'; readonly message: string };

export type SimulatorCommand =
  | { readonly kind: 'start' }
  | { readonly kind: 'report' }
  | { readonly kind: 'command'; readonly id: number; readonly command: Command }
  | { readonly kind: 'close' };
