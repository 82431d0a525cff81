/**
 * The HTTP routes as values: method, path, what comes in, and who answers. What a data route means by its
 * parameters is checked where it is answered, on the query thread; here they are only kept small.
 */
import { z } from 'zod';
import { type Answer, json, problem } from './answer.ts';
import { quoted } from './control-message.ts';
import type { Interest } from './interest.ts';
import type { KnownInstruments } from './known-instruments.ts';
import type { QueryDesk } from './query-desk.ts';

export interface RouteParts {
  readonly known: KnownInstruments;
  readonly interest: Interest;
  readonly queries: QueryDesk;
  readonly health: () => object;
}

type Parameters = Readonly<Record<string, string>>;

export interface Route {
  readonly method: 'GET';
  /** `{name}` stands for one segment. */
  readonly path: string;
  /** Checks path and query parameters together (the path's win), and answers. */
  readonly answer: (parameters: Parameters, parts: RouteParts) => Answer | Promise<Answer>;
}

const parametersMax = 16;
const few = z
  .record(z.string().max(32), z.string().max(64))
  .refine((given) => Object.keys(given).length <= parametersMax, `more than ${parametersMax} parameters`);

export const routes: readonly Route[] = [
  route('/api/v1/health', few, (_, { health }) => json(health())),
  route('/api/v1/symbols', few, (given, { queries }) => queries.ask('symbols', given)),
  ofSymbol('price'),
  ofSymbol('bars'),
  ofSymbol('trades'),
  ofSymbol('enigma'),
  ofSymbol('book'),
];

/** A route under `/api/v1/symbols/{symbol}`, for the instrument that is meant. */
function ofSymbol(kind: 'price' | 'bars' | 'trades' | 'enigma' | 'book'): Route {
  return route(`/api/v1/symbols/{symbol}/${kind}`, few, (given, { known, interest, queries }) => {
    const text = given['symbol']!;
    const resolved = known.directory.resolve(text);
    if ('instrument' in resolved) {
      const { symbol, id } = resolved.instrument;
      interest.glance(id);
      return queries.ask(kind, { ...given, symbol, instrument: id });
    }
    return problem(404, `${resolved.reason} symbol ${quoted(text)}`, { didYouMean: resolved.candidates });
  });
}

function route<Input>(
  path: string,
  input: z.ZodType<Input>,
  handle: (input: Input, parts: RouteParts) => Answer | Promise<Answer>,
): Route {
  return {
    method: 'GET',
    path,
    answer: (parameters, parts) => {
      const parsed = input.safeParse(parameters);
      if (parsed.success) return handle(parsed.data, parts);
      const errors = parsed.error.issues.map(({ path: at, message }) => ({ field: at.join('.'), message }));
      const [first] = errors;
      return problem(400, [first?.field, first?.message].filter(Boolean).join(': '), { errors });
    },
  };
}
