/** Steady time for feeds: a step of the wall clock moves nothing here. Tests turn it by hand. */
import { performance } from 'node:perf_hooks';

export interface Timers {
  /** Steady ms since some start. */
  now(): number;
  /** Calls `run` once after `ms`; the returned function calls it off. */
  after(ms: number, run: () => void): () => void;
}

export const steadyTimers: Timers = {
  now: () => performance.now(),
  after: (ms, run) => {
    const timeout = setTimeout(run, ms);
    return () => clearTimeout(timeout);
  },
};
