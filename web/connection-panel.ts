/** Connection state, latency, age of the market data, and the counters in the footer. */

import type { TickwireClient } from '../src/client/client.ts';
import type { ConnectionState } from '../src/client/link.ts';
import { byId, write } from './dom.ts';
import type { MarketState } from './market-state.ts';
import { bytesText, durationText, grouped, median } from './number-text.ts';
import type { RenderPass } from './render-pass.ts';

const pingEveryMs = 2_000;
const pingsHeld = 5;
const agesHeld = 64;
/** Market data without a word for so long is told. */
const quietMs = 10_000;
/** Exchange time this far from the server's clock is another clock: that of a recording. */
const otherClockMs = 3_600_000;

/** The exchange stamps whole milliseconds. */
const exchangeStampMs = 1;

interface ClockOffset {
  readonly offsetMs: number;
  readonly errorMs: number;
}

const names = { connecting: 'connecting', open: 'live', waiting: 'reconnecting', closed: 'closed' } as const;

export class ConnectionPanel {
  readonly touch: () => void;
  readonly #client: TickwireClient;
  readonly #state: MarketState;
  readonly #pings: number[] = [];
  readonly #ages: number[] = [];
  /** Server clock − ours, ms, from the quickest of the last pings; at most `errorMs` wrong. */
  #clock: ClockOffset | undefined;
  #clocks: ClockOffset[] = [];
  #connection: ConnectionState;
  #wasLive = false;
  #retryAt = 0;
  #heardAt = 0;
  #marketTime = 0;
  #rate = { at: 0, frames: 0, perSecond: Number.NaN };

  constructor(state: MarketState, client: TickwireClient, pass: RenderPass) {
    this.#state = state;
    this.#client = client;
    this.#connection = client.state;
    this.touch = pass.part(() => this.#draw());
    client.on('state', (connection) => this.#changed(connection));
    client.on('welcome', ({ server, version }) => {
      write(byId('server'), `${server} ${version} ·`);
      void this.#ping();
    });
    setInterval(() => void this.#ping(), pingEveryMs);
    setInterval(this.touch, 500);
  }

  /** Market data of exchange time `time` (µs) has come just now. */
  heard(time: number): void {
    this.#heardAt = performance.now();
    this.#marketTime = time;
    if (this.#clock === undefined) return;
    this.#ages.push(wallMs() + this.#clock.offsetMs - time / 1_000);
    if (this.#ages.length > agesHeld) this.#ages.shift();
  }

  #changed(connection: ConnectionState): void {
    this.#connection = connection;
    if (connection.state === 'open') this.#wasLive = true;
    else this.#forget();
    if (connection.state === 'waiting') this.#retryAt = performance.now() + connection.retryInMs;
    this.touch();
  }

  /** What was measured on a connection that is gone says nothing of the next one. */
  #forget(): void {
    this.#pings.length = 0;
    this.#ages.length = 0;
    this.#clocks = [];
    this.#clock = undefined;
    this.#heardAt = 0;
  }

  async #ping(): Promise<void> {
    if (this.#connection.state !== 'open') return;
    try {
      const { roundTripMs, serverTime } = await this.#client.ping();
      this.#pings.push(roundTripMs);
      if (this.#pings.length > pingsHeld) this.#pings.shift();
      const half = roundTripMs / 2;
      this.#clocks.push({ offsetMs: serverTime / 1_000 + half - wallMs(), errorMs: half });
      if (this.#clocks.length > pingsHeld) this.#clocks.shift();
      const best = this.#clocks.toSorted((one, other) => one.errorMs - other.errorMs)[0]!;
      if (best !== this.#clock) this.#ages.length = 0;
      this.#clock = best;
    } catch {
      // The connection broke meanwhile: its state says so.
    }
    this.touch();
  }

  #draw(): void {
    const { state } = this.#connection;
    const isBack = state === 'connecting' && this.#wasLive;
    const name = isBack ? 'reconnecting' : names[state];
    byId('state').dataset['state'] = name;
    write(byId('state-text'), name);
    write(byId('state-detail'), this.#detail());
    write(byId('latency'), this.#pings.length === 0 ? '–' : durationText(median(this.#pings)));
    this.#drawAge();
    this.#drawCounters();
  }

  #detail(): string {
    const now = performance.now();
    const connection = this.#connection;
    if (connection.state === 'waiting') {
      const seconds = Math.max(0, Math.ceil((this.#retryAt - now) / 1_000));
      return `in ${seconds} s (${connection.reason || `code ${connection.code}`})`;
    }
    if (connection.state === 'closed')
      return `${connection.reason} (code ${connection.code}); reload to try again`;
    if (connection.state === 'open' && this.#heardAt > 0 && now - this.#heardAt > quietMs) {
      return `no market data for ${Math.floor((now - this.#heardAt) / 1_000)} s`;
    }
    return '';
  }

  #drawAge(): void {
    const age = this.#ages.length === 0 ? undefined : median(this.#ages);
    const isRecording = age !== undefined && Math.abs(age) > otherClockMs;
    write(byId('age-name'), isRecording ? 'market clock' : 'data age');
    const value = byId('age');
    if (isRecording) {
      const at = new Date(this.#marketTime / 1_000).toISOString();
      write(value, `${at.slice(0, 10)} ${at.slice(11, 19)} UTC`);
    } else if (age === undefined || this.#clock === undefined) write(value, '–');
    else {
      const error = this.#clock.errorMs + exchangeStampMs;
      write(
        value,
        age > error ? durationText(age) : age > -error ? `< ${durationText(error)}` : 'clocks differ',
      );
    }
  }

  #drawCounters(): void {
    const { frames, bytes, faults, jumps, repeated } = this.#client.counts;
    write(byId('frames'), grouped(String(frames)));
    write(byId('bytes'), bytesText(bytes));
    const now = performance.now();
    if (now - this.#rate.at >= 950) {
      const perSecond = ((frames - this.#rate.frames) / (now - this.#rate.at)) * 1_000;
      this.#rate = { at: now, frames, perSecond: this.#rate.at === 0 ? Number.NaN : perSecond };
    }
    write(byId('rate'), Number.isNaN(this.#rate.perSecond) ? '–' : `${this.#rate.perSecond.toFixed(0)}/s`);
    let faulty = 0;
    for (const count of Object.values(faults)) faulty += count;
    for (const [name, count] of [
      ['faults', faulty],
      ['jumps', jumps],
      ['repeated', repeated],
    ] as const) {
      const element = byId(name);
      write(element, grouped(String(count)));
      element.classList.toggle('bad', count > 0);
    }
    const { trades, lastTradeId } = this.#state;
    const line = `${grouped(String(trades))} trades since you chose it, the last is ${lastTradeId}`;
    write(byId('sequence'), trades === 0 ? 'no trades yet' : line);
  }
}

/** Wall clock with parts of a millisecond. */
function wallMs(): number {
  return performance.timeOrigin + performance.now();
}
