/** Finds the route for a path. Nothing of a path is ever used as a file name. */
import type { Route } from './routes.ts';

export type Routed =
  | { readonly kind: 'found'; readonly route: Route; readonly parameters: Record<string, string> }
  | { readonly kind: 'wrong-method'; readonly allow: string }
  | { readonly kind: 'unknown' };

/** @param method in capitals; HEAD is answered where GET is */
export function routeOf(routes: readonly Route[], method: string, path: string): Routed {
  const segments = path.split('/');
  const allow: string[] = [];
  for (const route of routes) {
    const parameters = match(route.path.split('/'), segments);
    if (parameters === undefined) continue;
    if (route.method === method || (route.method === 'GET' && method === 'HEAD'))
      return { kind: 'found', route, parameters };
    allow.push(route.method, ...(route.method === 'GET' ? ['HEAD'] : []));
  }
  return allow.length > 0
    ? { kind: 'wrong-method', allow: [...allow, 'OPTIONS'].join(', ') }
    : { kind: 'unknown' };
}

function match(pattern: readonly string[], segments: readonly string[]): Record<string, string> | undefined {
  if (pattern.length !== segments.length) return undefined;
  const parameters: Record<string, string> = {};
  for (let index = 0; index < pattern.length; index++) {
    const wanted = pattern[index]!;
    const given = segments[index]!;
    if (wanted === given) continue;
    if (!wanted.startsWith('{') || given === '') return undefined;
    const decoded = decode(given);
    if (decoded === undefined) return undefined;
    parameters[wanted.slice(1, -1)] = decoded;
  }
  return parameters;
}

function decode(text: string): string | undefined {
  try {
    return decodeURIComponent(text);
  } catch {
    return undefined;
  }
}
