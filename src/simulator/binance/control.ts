/**
 * Control messages of a connection, answered as the venue answers them:
 * `{"result":null,"id":1}`, or `{"code":2,"msg":"Invalid request: …","id":1}`.
 */
import type { Session } from '../session.ts';

const methods = ['SUBSCRIBE', 'UNSUBSCRIBE', 'LIST_SUBSCRIPTIONS', 'SET_PROPERTY', 'GET_PROPERTY'] as const;
type Method = (typeof methods)[number];
const idLengthMax = 36;

class Refusal extends Error {
  readonly code: 0 | 1 | 2 | 3;

  constructor(code: 0 | 1 | 2 | 3, message: string) {
    super(message);
    this.code = code;
  }
}

/** Answers one text message and does what it asks for; undefined where an ordered fault keeps the answer back. */
export function answerControl(session: Session, text: string): string | undefined {
  let id: string | undefined;
  try {
    const request = parseRequest(text);
    id = idText(request, text);
    const result = perform(session, request);
    return result === undefined ? undefined : `{"result":${result},"id":${id}}`;
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    const suffix = id === undefined ? '' : `,"id":${id}`;
    return `{"code":${error.code},"msg":${JSON.stringify(error.message)}${suffix}}`;
  }
}

function parseRequest(text: string): Record<string, unknown> {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw new Refusal(3, `Invalid JSON: expected value at line 1 column ${Math.max(1, firstFault(text))}`);
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new Refusal(2, 'Invalid request: expected an object');
  }
  return value as Record<string, unknown>;
}

/** Column at which a JSON text stops making sense, roughly: the longest valid beginning is not searched for. */
function firstFault(text: string): number {
  const start = text.search(/\S/);
  return start >= 0 && !/[[{"\-\dtfn]/.test(text[start]!) ? start + 1 : text.length;
}

/** The id as it goes into the answer: whole numbers of 64 bits, words of up to 36 characters, or null. */
function idText(request: Record<string, unknown>, text: string): string {
  const { id } = request as { id?: unknown };
  if (id === undefined || id === null) return 'null';
  if (typeof id === 'number' && Number.isInteger(id)) {
    // A number past 2^53 has lost digits in parsing: take them from the text.
    return Number.isSafeInteger(id) ? String(id) : (/"id"\s*:\s*(-?\d+)/.exec(text)?.[1] ?? String(id));
  }
  if (typeof id === 'string' && id.length <= idLengthMax) return JSON.stringify(id);
  throw new Refusal(2, 'Invalid request: request ID must be an unsigned integer');
}

function perform(session: Session, request: Record<string, unknown>): string | undefined {
  const { method, params } = request as { method?: unknown; params?: unknown };
  if (method === undefined)
    throw new Refusal(2, 'Invalid request: missing field `method` at line 1 column 1');
  if (!isMethod(method)) {
    const known = methods.map((name) => `\`${name}\``).join(', ');
    throw new Refusal(
      2,
      `Invalid request: unknown variant \`${typeof method === 'string' ? method : JSON.stringify(method)}\`, expected one of ${known} at line 1 column 1`,
    );
  }
  switch (method) {
    case 'SUBSCRIBE':
      return subscribe(session, streamNames(params));
    case 'UNSUBSCRIBE':
      for (const name of streamNames(params)) session.unsubscribe(name);
      return 'null';
    case 'LIST_SUBSCRIPTIONS':
      return JSON.stringify([...session.streams]);
    case 'GET_PROPERTY':
      checkProperty(params, 1);
      return String(session.combined);
    case 'SET_PROPERTY':
      session.combined = propertyValue(params);
      return 'null';
    default:
      return method satisfies never;
  }
}

function isMethod(value: unknown): value is Method {
  return (methods as readonly unknown[]).includes(value);
}

function subscribe(session: Session, names: readonly string[]): string | undefined {
  const fate = session.nextFate();
  if (fate === 'ignored') return undefined;
  if (fate === 'refused') throw new Refusal(2, 'Invalid request: the server is overloaded');
  const { streamsMax } = session;
  const all = new Set([...session.streams, ...names]);
  if (all.size > streamsMax) {
    throw new Refusal(2, `Invalid request: too many streams, a connection takes ${streamsMax} at most`);
  }
  const granted = fate === 'partly' ? names.slice(0, Math.floor(names.length / 2)) : names;
  for (const name of granted) session.subscribe(name);
  return fate === 'unanswered' ? undefined : 'null';
}

function streamNames(params: unknown): readonly string[] {
  if (params === undefined)
    throw new Refusal(2, 'Invalid request: missing field `params` at line 1 column 1');
  if (!Array.isArray(params) || !params.every((name) => typeof name === 'string')) {
    throw new Refusal(2, 'Invalid request: params must be an array of stream names');
  }
  return params;
}

function checkProperty(params: unknown, length: number): readonly unknown[] {
  if (!Array.isArray(params) || typeof params[0] !== 'string') {
    throw new Refusal(2, 'Invalid request: property name must be a string');
  }
  if (params.length > length) throw new Refusal(2, 'Invalid request: too many parameters');
  if (params[0] !== 'combined') throw new Refusal(0, 'Unknown property');
  return params;
}

function propertyValue(params: unknown): boolean {
  const value = checkProperty(params, 2)[1];
  if (typeof value !== 'boolean') throw new Refusal(1, 'Invalid value type: expected Boolean');
  return value;
}
