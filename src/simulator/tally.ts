/**
 * Counts of everything that was made at one venue and where it went. For every connection:
 * due + duplicated = sent + dropped (by reason) + held back at the moment.
 */
import { type CommandKind, commandKinds } from './commands.ts';
import type { VenueName } from './dialect.ts';

export const streamKinds = [
  'trade',
  'aggTrade',
  'bookTicker',
  'kline',
  'depth',
  'miniTicker',
  'ticker',
  'blockTrade',
  'heartbeat',
  'other',
] as const;
export type StreamKind = (typeof streamKinds)[number];

export const dropReasons = ['drop', 'silence', 'disconnect', 'closed', 'mute'] as const;
export type DropReason = (typeof dropReasons)[number];

export const faultKinds = ['drop', 'duplicate', 'reorder', 'disconnect', 'silence', 'garbage'] as const;
export type FaultKind = (typeof faultKinds)[number];

export type Counts<K extends string> = Readonly<Record<K, number>>;

export interface SimulatorReport {
  /** Stream messages that came to be, whether or not anyone listened. */
  readonly produced: Counts<StreamKind>;
  /** Deliveries owed: one for each connection that had subscribed at that moment. */
  readonly due: Counts<StreamKind>;
  /** Deliveries handed to a socket, duplicates included, injected garbage not. */
  readonly sent: Counts<StreamKind>;
  readonly dropped: Counts<DropReason>;
  /** How often each scripted fault has struck. */
  readonly faults: Counts<FaultKind>;
  /** How often each ordered fault has struck: messages, connections, requests. */
  readonly commands: Counts<CommandKind>;
  /** Commands of the script for which there was nothing when their moment came. */
  readonly scriptRefused: number;
  /** Messages held back at the moment, to be sent out of order. */
  readonly held: number;
  readonly bytesSent: number;
  /** due + duplicated = sent + dropped + held. */
  readonly balanced: boolean;
  readonly connections: {
    readonly opened: number;
    readonly closed: number;
    /** Attempts to connect. */
    readonly refused: number;
    readonly cut: Readonly<Record<string, number>>;
  };
  readonly requests: { readonly served: number; readonly refused: number };
  /** All venues; the counts above are those of the first. */
  readonly venues?: Readonly<Partial<Record<VenueName, VenueReport>>>;
  readonly recording?: RecordingCounts;
  readonly lateness?: LatenessReport;
}

export type VenueReport = Omit<SimulatorReport, 'venues' | 'recording' | 'lateness'>;

/** Every line of a recording: a stream message, a depth snapshot, or something else that is not played. */
export interface RecordingCounts {
  readonly lines: number;
  readonly messages: number;
  readonly snapshots: number;
  readonly skipped: number;
  /** True where the file ends in the middle, as when its recorder was killed. */
  readonly torn: boolean;
}

/** How late a paced generator wrote its messages, in microseconds after the intended time. */
export interface LatenessReport {
  readonly messages: number;
  readonly p50Us: number;
  readonly p99Us: number;
  readonly maxUs: number;
}

export class Tally {
  readonly produced = zeros(streamKinds);
  readonly due = zeros(streamKinds);
  readonly sent = zeros(streamKinds);
  readonly dropped = zeros(dropReasons);
  readonly faults = zeros(faultKinds);
  readonly commands = zeros(commandKinds);
  readonly cut: Record<string, number> = {};
  scriptRefused = 0;
  held = 0;
  bytesSent = 0;
  opened = 0;
  connectsRefused = 0;
  closed = 0;
  requestsServed = 0;
  requestsRefused = 0;

  report(): VenueReport {
    const owed = total(this.due) + this.faults.duplicate;
    const gone = total(this.sent) + total(this.dropped) + this.held;
    return {
      produced: { ...this.produced },
      due: { ...this.due },
      sent: { ...this.sent },
      dropped: { ...this.dropped },
      faults: { ...this.faults },
      commands: { ...this.commands },
      scriptRefused: this.scriptRefused,
      held: this.held,
      bytesSent: this.bytesSent,
      balanced: owed === gone,
      connections: {
        opened: this.opened,
        closed: this.closed,
        refused: this.connectsRefused,
        cut: { ...this.cut },
      },
      requests: { served: this.requestsServed, refused: this.requestsRefused },
    };
  }
}

function zeros<K extends string>(keys: readonly K[]): Record<K, number> {
  return Object.fromEntries(keys.map((key) => [key, 0])) as Record<K, number>;
}

function total(counts: Counts<string>): number {
  return Object.values(counts).reduce((sum, count) => sum + count, 0);
}
