/**
 * The streams of one open socket: asks for what is wanted and lets go of what is not, in batches, at the pace the venue
 * allows, and checks every answer. What is refused or not answered is asked for again, ever more slowly; which streams
 * are missing is known by name. How a venue answers: `Venue.acknowledges`.
 */
import { OpenRequests, type Request } from './open-requests.ts';
import { RetryTimers, type RetryTimes } from './retry-timers.ts';
import type { Timers } from './timers.ts';
import type { Answer, Venue } from './venue.ts';

export interface SubscriptionOptions {
  readonly acknowledges: Venue['acknowledges'];
  /** Streams in one request. */
  readonly batch: number;
  /** Least time between two requests: faster pacing has been banned in practice. */
  readonly gapMs: number;
  /** How long an answer may take; where only refusals are told, silence for so long is consent. */
  readonly answerMs: number;
  /** What was not answered is asked for again after so long (doubled each time), what was refused likewise. */
  readonly retry: RetryTimes;
  readonly refusedRetry: RetryTimes;
  readonly timers: Timers;
  readonly roll: () => number;
  readonly send: (kind: 'subscribe' | 'unsubscribe', streams: readonly string[], id: number) => void;
  /** Whether a late answer is our own doing. */
  readonly patient: () => boolean;
  /** A request was not answered on a socket that has granted nothing: it is of no use. */
  readonly onUnanswered: () => void;
  /** The venue has answered, or consented by its silence. */
  readonly onSettled?: () => void;
}

/** queued: to be asked for; waiting: to be asked for again later. */
type Stage = 'queued' | 'asked' | 'granted' | 'waiting' | 'refused';

interface Entry {
  stage: Stage;
  /** Of the last request for it. */
  request: number;
  tries: number;
  /** It was asked for, so the venue may deliver it whatever became of the answer. */
  sent: boolean;
  /** Why it is missing, where the venue or the clock told. */
  reason: string;
  /** To be asked for as soon as it is let go. */
  again: boolean;
}

export const notAnswered = 'not answered';
export const notListed = 'not in the list of what is granted';
/** A stream that cannot be let go after so many requests is left to the end of the socket. */
const leaveTriesMax = 5;

export class Subscription {
  readonly #options: SubscriptionOptions;
  readonly #entries = new Map<string, Entry>();
  /** Queued streams that go together as they gather. */
  readonly #fresh = new Set<string>();
  /** Queued streams in requests of their own: halves of a refused one, and what is tried again. */
  readonly #batches: (readonly string[])[] = [];
  /** To be let go, with the tries made. */
  readonly #leaving = new Map<string, number>();
  readonly #asked = new OpenRequests();
  readonly #retries: RetryTimers;
  /** After a refusal that may be of several requests: one at a time. */
  #oneByOne = false;
  #granted = 0;
  #everGranted = false;
  #lastId = 0;
  #refusedRounds = 0;
  #refusedTimer = false;
  #cancelPace: (() => void) | undefined;
  #gathering = false;
  #started = false;
  #stopped = false;

  constructor(options: SubscriptionOptions) {
    this.#options = options;
    this.#retries = new RetryTimers(options.timers, options.roll);
  }

  /** Sends the first request before it returns. */
  start(): void {
    this.#started = true;
    this.#pump();
  }

  stop(): void {
    this.#stopped = true;
    this.#cancelPace?.();
    this.#retries.stop();
    this.#asked.stop();
  }

  want(stream: string): void {
    if (this.#entries.has(stream)) return;
    this.#entries.set(stream, {
      stage: 'queued',
      request: 0,
      tries: 0,
      sent: false,
      reason: '',
      again: false,
    });
    this.#leaving.delete(stream);
    this.#fresh.add(stream);
    this.#gather();
  }

  unwant(stream: string): void {
    const entry = this.#entries.get(stream);
    if (entry === undefined) return;
    this.#entries.delete(stream);
    this.#fresh.delete(stream);
    if (entry.stage === 'granted') this.#granted--;
    if (!entry.sent || entry.stage === 'refused') return;
    this.#leaving.set(stream, 0);
    this.#gather();
  }

  /** Lets go of a granted stream and asks for it anew, so that it begins again with its first state. */
  again(stream: string): boolean {
    const entry = this.#entries.get(stream);
    if (entry?.stage !== 'granted') return false;
    this.#granted--;
    entry.stage = 'queued';
    entry.again = true;
    this.#leaving.set(stream, 0);
    this.#gather();
    return true;
  }

  /** What the venue said to a request of ours. */
  answered(answer: Answer): void {
    if (answer.granted !== undefined) this.#listed(new Set(answer.granted));
    else if (answer.id !== undefined) {
      this.#settle(this.#asked.find(answer.id), answer.error);
    } else if (answer.error !== undefined) this.#blamed(answer.error);
    this.#pump();
    this.#options.onSettled?.();
  }

  /** Streams that the venue grants, of those that are wanted. */
  get granted(): number {
    return this.#granted;
  }

  isGranted(stream: string): boolean {
    return this.#entries.get(stream)?.stage === 'granted';
  }

  /** Streams that the venue may still count although they are not wanted any more. */
  get leaving(): number {
    return this.#leaving.size + this.#asked.leaving;
  }

  /** Streams that are wanted and not granted, each with the reason, '' when none is known yet. */
  *missing(): Generator<{ readonly stream: string; readonly reason: string; readonly refused: boolean }> {
    if (this.#granted === this.#entries.size) return;
    for (const [stream, { stage, reason, again }] of this.#entries) {
      if (stage !== 'granted')
        yield { stream, reason: again ? 'begun anew' : reason, refused: stage === 'refused' };
    }
  }

  /** What is wanted in one turn goes out together. */
  #gather(): void {
    if (!this.#started || this.#gathering || this.#cancelPace !== undefined) return;
    this.#gathering = true;
    queueMicrotask(() => {
      this.#gathering = false;
      this.#pump();
    });
  }

  #pump(): void {
    if (!this.#started || this.#stopped || this.#cancelPace !== undefined) return;
    if (this.#oneByOne) {
      if (this.#asked.size > 0) return;
      if (this.#batches.length === 0) this.#oneByOne = false;
    }
    const wanted = this.#nextWanted();
    const streams = wanted.length > 0 ? wanted : this.#nextLeaving();
    if (streams.length === 0) return;
    this.#send(wanted.length > 0 ? 'subscribe' : 'unsubscribe', streams);
  }

  #nextWanted(): readonly string[] {
    const { batch } = this.#options;
    const chosen: string[] = [];
    for (const stream of this.#fresh) {
      if (chosen.length === batch) break;
      this.#fresh.delete(stream);
      chosen.push(stream);
    }
    while (chosen.length === 0 && this.#batches.length > 0) {
      const next = this.#batches.shift()!;
      chosen.push(...next.filter((stream) => this.#isQueued(stream)));
      for (const stream of chosen) this.#fresh.delete(stream);
    }
    return chosen;
  }

  /** One that is to begin anew waits until it has been let go. */
  #isQueued(stream: string): boolean {
    const entry = this.#entries.get(stream);
    return entry?.stage === 'queued' && !entry.again;
  }

  #nextLeaving(): readonly string[] {
    return [...this.#leaving.keys()].slice(0, this.#options.batch);
  }

  #send(kind: Request['kind'], streams: readonly string[]): void {
    const { timers, gapMs, send } = this.#options;
    const id = ++this.#lastId;
    const tries = Math.max(0, ...streams.map((stream) => this.#leaving.get(stream) ?? 0));
    const request: Request = { id, kind, streams, tries, cancelWait: () => undefined };
    this.#asked.add(request);
    for (const stream of streams) {
      const entry = this.#entries.get(stream);
      if (kind === 'subscribe' && entry !== undefined) {
        entry.stage = 'asked';
        entry.request = id;
        entry.sent = true;
      } else if (kind === 'unsubscribe') this.#letGo(stream, entry);
    }
    this.#wait(request);
    this.#cancelPace = timers.after(gapMs, () => {
      this.#cancelPace = undefined;
      this.#pump();
    });
    send(kind, streams, id);
  }

  #letGo(stream: string, entry: Entry | undefined): void {
    this.#leaving.delete(stream);
    if (entry === undefined || !entry.again) return;
    entry.again = false;
    this.#fresh.add(stream);
  }

  #wait(request: Request): void {
    const { timers, answerMs, patient, acknowledges, onUnanswered } = this.#options;
    request.cancelWait = timers.after(answerMs, () => {
      if (patient()) this.#wait(request);
      else if (acknowledges === 'by-error') this.#settle(request, undefined);
      else if (!this.#everGranted && request.kind === 'subscribe') onUnanswered();
      else {
        this.#asked.giveUp(request);
        this.#later(request, notAnswered);
      }
      this.#pump();
      this.#options.onSettled?.();
    });
  }

  /** A request is answered as a whole. */
  #settle(request: Request | undefined, error: string | undefined): void {
    if (request === undefined) return;
    this.#asked.close(request);
    if (request.kind === 'unsubscribe') {
      if (error !== undefined) this.#later(request, error);
      return;
    }
    const mine = this.#own(request);
    if (error === undefined) this.#grant(mine);
    else if (mine.length === 1) this.#refuse(mine[0]!, error);
    else if (mine.length > 1) this.#askApart(mine, Math.ceil(mine.length / 2));
  }

  /** Streams of a request that are still wanted, and have not been asked for once more since. */
  #own({ id, streams }: Request): string[] {
    return streams.filter((stream) => {
      const entry = this.#entries.get(stream);
      return entry?.request === id && (entry.stage === 'asked' || entry.stage === 'waiting');
    });
  }

  #grant(streams: readonly string[]): void {
    for (const stream of streams) {
      const entry = this.#entries.get(stream);
      if (entry === undefined || entry.stage === 'granted') continue;
      entry.stage = 'granted';
      entry.tries = 0;
      entry.reason = '';
      this.#granted++;
      this.#everGranted = true;
    }
  }

  #refuse(stream: string, reason: string): void {
    const entry = this.#entries.get(stream)!;
    entry.stage = 'refused';
    entry.reason = reason;
    if (this.#refusedTimer) return;
    this.#refusedTimer = true;
    this.#after(this.#options.refusedRetry, this.#refusedRounds++, () => {
      this.#refusedTimer = false;
      const refused = [...this.#entries].filter((pair) => pair[1].stage === 'refused').map(([name]) => name);
      this.#askApart(refused, this.#options.batch);
    });
  }

  #askApart(streams: readonly string[], each: number): void {
    for (const stream of streams) this.#entries.get(stream)!.stage = 'queued';
    for (let i = 0; i < streams.length; i += each) this.#batches.push(streams.slice(i, i + each));
  }

  /** The streams of a request that came to nothing are asked for (or let go) again after a while. */
  #later(request: Request, reason: string): void {
    if (request.kind === 'unsubscribe') {
      const tries = request.tries + 1;
      if (tries === leaveTriesMax) return;
      this.#after(this.#options.retry, request.tries, () => {
        for (const stream of request.streams)
          if (!this.#entries.has(stream)) this.#leaving.set(stream, tries);
      });
      return;
    }
    this.#retry(this.#own(request), reason);
  }

  #retry(streams: readonly string[], reason: string): void {
    if (streams.length === 0) return;
    let tries = 0;
    for (const stream of streams) {
      const entry = this.#entries.get(stream)!;
      entry.stage = 'waiting';
      entry.reason = reason;
      tries = Math.max(tries, entry.tries++);
    }
    this.#after(this.#options.retry, tries, () => {
      const mine = streams.filter((stream) => this.#entries.get(stream)?.stage === 'waiting');
      this.#askApart(mine, this.#options.batch);
    });
  }

  /** A list of all that is granted is the truth about every stream; it also answers the requests whose effect it shows. */
  #listed(list: ReadonlySet<string>): void {
    const lost: string[] = [];
    const found: string[] = [];
    for (const [stream, { stage }] of this.#entries) {
      if (stage === 'granted' ? !list.has(stream) : stage !== 'queued' && list.has(stream)) {
        (stage === 'granted' ? lost : found).push(stream);
      }
    }
    this.#granted -= lost.length;
    this.#retry(lost, notListed);
    this.#grant(found);
    for (const request of this.#asked) {
      const shown = request.streams.filter((stream) => list.has(stream)).length;
      // A list without any of them may have been on its way before the request came.
      if (request.kind === 'subscribe' ? shown === 0 : shown > 0) continue;
      this.#asked.close(request);
      if (request.kind === 'subscribe') this.#retry(this.#own(request), notListed);
    }
  }

  /** An error that names no request: of the only open one, or else of one of them, to be found out one by one. */
  #blamed(error: string): void {
    const open = [...this.#asked];
    if (open.length === 1) {
      this.#settle(open[0], error);
      return;
    }
    for (const request of open) {
      this.#asked.close(request);
      this.#oneByOne = true;
      if (request.kind === 'unsubscribe') this.#later(request, error);
      else this.#askApart(this.#own(request), this.#options.batch);
    }
  }

  #after(times: RetryTimes, tries: number, run: () => void): void {
    this.#retries.after(times, tries, () => {
      run();
      this.#pump();
    });
  }
}
