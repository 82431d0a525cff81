/** What a bench says: one object, printed as JSON (design, section 9). */
import { cpus } from 'node:os';

export interface Goal {
  readonly is: '≤' | '≥';
  readonly value: number;
}

export interface BenchResult {
  readonly bench: string;
  readonly machine: string;
  /** What was fed in, in words. */
  readonly input: string;
  readonly metrics: Readonly<Record<string, number | string>>;
  readonly ratios: Readonly<Record<string, number>>;
  /** By key of `metrics` or `ratios`. */
  readonly goals?: Readonly<Record<string, Goal>>;
}

/** Processor, cores and Node version of this machine. */
export function machine(): string {
  const all = cpus();
  return `${all.length} × ${all[0]?.model.trim() ?? 'unknown processor'}, Node ${process.version}, ${process.platform} ${process.arch}`;
}

export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}
