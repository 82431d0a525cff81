/** What pages of other origins may do here (CORS): whether one may talk to us at all, and the headers that tell its browser. */

export interface CorsRules {
  /** `https://example.com`, or `*` for all. */
  readonly origins: readonly string[];
  readonly methods: readonly string[];
  /** Request headers. */
  readonly headers: readonly string[];
  /** Answer headers that a script may read. */
  readonly exposed: readonly string[];
  /** Whether requests may carry cookies. */
  readonly credentials: boolean;
}

/**
 * Programs send no Origin and are let in; a page of our own host is; others must be listed. `null` (sandboxed pages,
 * files) is never allowed.
 */
export function originAllowed(origin: string, host: string, allowed: readonly string[]): boolean {
  if (origin === '' || allowed.includes(origin)) return true;
  const from = hostOf(origin);
  return from !== undefined && (allowed.includes('*') || from === host.toLowerCase());
}

/** Host and port of an http or https origin; undefined for anything else. */
function hostOf(origin: string): string | undefined {
  return /^https?:\/\/([^/?#@\s]+)$/i.exec(origin)?.[1]?.toLowerCase();
}

/** Headers of an answer to a page of this origin, which is allowed; `preflight` when its browser only asks. */
export function corsHeaders(rules: CorsRules, origin: string, preflight: boolean): Record<string, string> {
  const headers: Record<string, string> = { 'access-control-allow-origin': origin };
  if (rules.credentials) headers['access-control-allow-credentials'] = 'true';
  const lists = preflight
    ? { 'access-control-allow-methods': rules.methods, 'access-control-allow-headers': rules.headers }
    : { 'access-control-expose-headers': rules.exposed };
  for (const [name, values] of Object.entries(lists))
    if (values.length > 0) headers[name] = values.join(', ');
  return headers;
}
