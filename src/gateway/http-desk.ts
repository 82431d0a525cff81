/** Answers HTTP requests: routes, page files, problems. Nothing is written to a response that was aborted. */
import { type Answer, problem, statusText } from './answer.ts';
import { type CorsRules, corsHeaders, originAllowed } from './cors.ts';
import type { PageFiles } from './page-files.ts';
import { routeOf } from './router.ts';
import { type RouteParts, routes } from './routes.ts';
import { sendWithin } from './send-within.ts';
import type { HttpRequest, HttpResponse } from './uws.ts';

const allowedMethods = 'GET, HEAD, OPTIONS';
/** So much goes to uWebSockets at once, whose own timeout for clients that take nothing then counts. */
const atOnceBytes = 65_536;

interface Asked {
  readonly method: string;
  readonly path: string;
  readonly query: string;
  readonly ifNoneMatch: string;
  /** The Origin, when that page may read the answer. */
  readonly corsOrigin: string | undefined;
}

export class HttpDesk {
  readonly #parts: RouteParts;
  readonly #pages: PageFiles;
  readonly #cors: CorsRules;
  readonly #answerMs: number;
  readonly #byStatus: Record<string, number> = {};
  /** Answers that could not be sent whole: the client went, or was too slow. */
  readonly #lost = { aborted: 0, cut: 0 };

  /** @param answerMs An answer that its client has not taken by then is cut. */
  constructor(parts: RouteParts, pages: PageFiles, cors: CorsRules, answerMs: number) {
    this.#parts = parts;
    this.#pages = pages;
    this.#cors = cors;
    this.#answerMs = answerMs;
  }

  /** A request comes in: it is read now, since uWebSockets takes it back when this returns. */
  receive(response: HttpResponse, request: HttpRequest): void {
    const origin = request.getHeader('origin');
    const host = request.getHeader('host');
    const asked: Asked = {
      method: request.getMethod().toUpperCase(),
      path: request.getUrl(),
      query: request.getQuery(),
      ifNoneMatch: request.getHeader('if-none-match'),
      corsOrigin: origin !== '' && originAllowed(origin, host, this.#cors.origins) ? origin : undefined,
    };
    const answer = this.#answerOrFault(asked);
    if (!(answer instanceof Promise)) return this.write(response, answer, asked);
    let aborted = false;
    response.onAborted(() => {
      aborted = true;
      this.#lost.aborted++;
    });
    void answer.catch(internalError).then((ready) => aborted || this.write(response, ready, asked));
  }

  /** An exception that left the handler would abort the process: uWebSockets insists on a response. */
  #answerOrFault(asked: Asked): Answer | Promise<Answer> {
    try {
      return this.#answer(asked);
    } catch (error) {
      return internalError(error);
    }
  }

  #answer(asked: Asked): Answer | Promise<Answer> {
    const { method, path } = asked;
    if (method === 'OPTIONS') return preflight;
    const routed = routeOf(routes, method, path);
    if (routed.kind === 'found') {
      return routed.route.answer({ ...fromQuery(asked.query), ...routed.parameters }, this.#parts);
    }
    if (routed.kind === 'wrong-method') {
      return problem(405, `${method} is not allowed here: ${routed.allow}`, {}, { allow: routed.allow });
    }
    const page = this.#pages.get(path);
    if (page === undefined) return problem(404, `nothing at ${path.slice(0, 200)}`);
    if (method !== 'GET' && method !== 'HEAD') {
      return problem(405, `${method} is not allowed here: ${allowedMethods}`, {}, { allow: allowedMethods });
    }
    return asked.ifNoneMatch === page.etag ? { ...page, status: 304, body: '' } : page;
  }

  write(response: HttpResponse, answer: Answer, asked: Pick<Asked, 'method' | 'corsOrigin'>): void {
    this.#byStatus[answer.status] = (this.#byStatus[answer.status] ?? 0) + 1;
    response.cork(() => {
      response.writeStatus(`${answer.status} ${statusText(answer.status)}`);
      response.writeHeader('content-type', answer.contentType);
      response.writeHeader('x-content-type-options', 'nosniff');
      response.writeHeader('referrer-policy', 'no-referrer');
      response.writeHeader('x-frame-options', 'DENY');
      response.writeHeader('vary', 'Origin');
      for (const [name, value] of Object.entries(answer.headers ?? {})) response.writeHeader(name, value);
      if (asked.corsOrigin !== undefined) {
        const cors = corsHeaders(this.#cors, asked.corsOrigin, asked.method === 'OPTIONS');
        for (const [name, value] of Object.entries(cors)) response.writeHeader(name, value);
      }
      if (asked.method !== 'HEAD') {
        this.#send(response, answer.body);
        return;
      }
      // Not as an argument of endWithoutBody: it then takes the response for unfinished, and aborts the process.
      response.writeHeader('content-length', String(Buffer.byteLength(answer.body)));
      response.endWithoutBody();
    });
  }

  #send(response: HttpResponse, body: Answer['body']): void {
    if (body.length <= atOnceBytes) {
      response.end(body);
      return;
    }
    const bytes = typeof body === 'string' ? Buffer.from(body) : body;
    sendWithin(response, bytes, this.#answerMs, (reason) => this.#lost[reason]++);
  }

  account(): { byStatus: Record<string, number>; aborted: number; cut: number } {
    return { byStatus: { ...this.#byStatus }, ...this.#lost };
  }
}

function internalError(error: unknown): Answer {
  return problem(500, `internal error: ${error instanceof Error ? error.message : String(error)}`);
}

const preflight: Answer = {
  status: 204,
  contentType: 'text/plain',
  body: '',
  headers: { allow: allowedMethods },
};

function fromQuery(query: string): Record<string, string> {
  return Object.fromEntries(new URLSearchParams(query));
}
