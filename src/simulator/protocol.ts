/** What the simulator's process and its parent say to each other over IPC. */
import type { ListedSymbol, TimeRange } from './source.ts';
import type { SimulatorReport } from './tally.ts';

export type SimulatorMessage =
  | {
      readonly kind: 'ready';
      readonly wsUrl: string;
      readonly restUrl: string;
      readonly listing: readonly ListedSymbol[];
      readonly range?: TimeRange;
    }
  | { readonly kind: 'finished'; readonly report: SimulatorReport }
  | { readonly kind: 'report'; readonly report: SimulatorReport }
  | { readonly kind: 'fault'; readonly message: string };

export type SimulatorCommand =
  | { readonly kind: 'start' }
  | { readonly kind: 'report' }
  | { readonly kind: 'close' };
