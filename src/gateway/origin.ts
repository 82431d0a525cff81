/**
 * Which web pages may talk to us. Programs send no Origin and are let in; a page of our own host is; others must be
 * listed exactly. `null` (sandboxed pages, files) is never allowed.
 */
export function originAllowed(origin: string, host: string, allowed: readonly string[]): boolean {
  return origin === '' || allowed.includes(origin) || hostOf(origin) === host.toLowerCase();
}

/** Host and port of an http or https origin; undefined for anything else. */
function hostOf(origin: string): string | undefined {
  return /^https?:\/\/([^/?#@\s]+)$/i.exec(origin)?.[1]?.toLowerCase();
}
