/**
 * Asks a venue over HTTP, within its one limit. Rules kept here: "429: back off for `Retry-After`"; 418: a ban, of two
 * minutes at least, which asking makes longer; 451: not served in this country or to this address, so seldom asked again.
 */
import type { z } from 'zod';
import { RequestBudget } from './request-budget.ts';
import { type RestBudget, RestFault, type RestOptions, type RestPriority } from './venue-rest.ts';

const limitedMs = 60_000;
const banMs = 120_000;
const unavailableMs = 300_000;

export interface RestCall {
  /** In the venue's own unit; 1 where requests are counted. */
  readonly weight: number;
  readonly priority: RestPriority;
}

export interface RestRules {
  /** The header with the weight used in this window, where the venue sends one. */
  readonly usedHeader?: string;
}

export class RestClient {
  readonly #options: RestOptions;
  readonly #rules: RestRules;
  readonly #budget: RequestBudget;

  constructor(options: RestOptions, rules: RestRules = {}) {
    this.#options = options;
    this.#rules = rules;
    this.#budget = new RequestBudget(options);
  }

  budget(): RestBudget {
    return this.#budget.account();
  }

  /** The answer as `schema` reads it. Rejects with a `RestFault`, and with nothing else. */
  async get<S extends z.ZodType>(
    path: string,
    params: Readonly<Record<string, string>>,
    schema: S,
    { weight, priority }: RestCall,
  ): Promise<z.output<S>> {
    const query = new URLSearchParams(params).toString();
    const url = `${this.#options.baseUrl.replace(/\/+$/, '')}${path}${query === '' ? '' : `?${query}`}`;
    const text = await this.#budget.run(weight, priority, () => this.#ask(path, url, weight));
    return parsed(path, text, schema);
  }

  async #ask(path: string, url: string, weight: number): Promise<string> {
    const { signal, timeoutMs, fetch: ask = fetch } = this.#options;
    if (signal?.aborted === true) throw new RestFault('unreachable', `${path}: called off`);
    const broken = new AbortController();
    const stop = (): void => broken.abort();
    const timeout = setTimeout(stop, timeoutMs);
    signal?.addEventListener('abort', stop, { once: true });
    try {
      const response = await ask(url, { signal: broken.signal });
      this.#watch(path, response, weight);
      const text = await this.#textOf(path, response);
      if (response.ok) return text;
      // A venue's own trouble passes; what it says of our question does not.
      const kind = response.status >= 500 ? 'unreachable' : 'refused';
      throw new RestFault(kind, `${path} answered ${response.status}: ${text.slice(0, 200)}`);
    } catch (error) {
      if (error instanceof RestFault) throw error;
      throw new RestFault('unreachable', `${path} cannot be reached`, 0, { cause: error });
    } finally {
      clearTimeout(timeout);
      signal?.removeEventListener('abort', stop);
      // Lets go of what was not read of the answer.
      broken.abort();
    }
  }

  /** Reads the limits off an answer's head; throws when it says stop. */
  #watch(path: string, { status, headers }: Response, weight: number): void {
    const { usedHeader } = this.#rules;
    const used = usedHeader === undefined ? null : headers.get(usedHeader);
    if (used !== null && Number.isFinite(Number(used))) this.#budget.told(Number(used), weight);
    if (status !== 429 && status !== 418 && status !== 451) return;
    const asked = Number(headers.get('retry-after')) * 1_000;
    const told = Number.isFinite(asked) && asked > 0 ? asked : 0;
    const least = status === 429 ? told || limitedMs : Math.max(told, status === 418 ? banMs : unavailableMs);
    const kind = status === 429 ? 'limited' : 'banned';
    this.#budget.stop(kind, least);
    throw new RestFault(kind, `${path} answered ${status}`, least);
  }

  async #textOf(path: string, response: Response): Promise<string> {
    const parts: Uint8Array[] = [];
    let bytes = 0;
    for await (const part of response.body ?? []) {
      bytes += part.byteLength;
      if (bytes > this.#options.bytesMax) {
        throw new RestFault('malformed', `${path}: an answer of more than ${this.#options.bytesMax} bytes`);
      }
      parts.push(part);
    }
    return Buffer.concat(parts).toString('utf8');
  }
}

function parsed<S extends z.ZodType>(path: string, text: string, schema: S): z.output<S> {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw new RestFault('malformed', `${path} answered no JSON`, 0, { cause: error });
  }
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  const [issue] = result.error.issues;
  throw new RestFault('malformed', `${path}: ${issue?.path.join('.') ?? ''} ${issue?.message ?? ''}`);
}
