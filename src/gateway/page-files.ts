/** The web page's files, read once into memory: a request picks from what is there, so no path leads out of it. */
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { extname, join, sep } from 'node:path';
import type { Answer } from './answer.ts';

const bytesMax = 64 * 1_048_576;

const contentTypes: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.json': 'application/json; charset=utf-8',
  '.map': 'application/json; charset=utf-8',
  '.svg': 'image/svg+xml',
  '.png': 'image/png',
  '.ico': 'image/x-icon',
  '.webp': 'image/webp',
  '.woff2': 'font/woff2',
  '.txt': 'text/plain; charset=utf-8',
};

/** Vite's names for files that never change: `assets/main-B2xkq0aZ.js`. */
const hashed = /^\/assets\/.+-[\w-]{8,}\.\w+$/;

const contentSecurity = [
  "default-src 'self'",
  "connect-src 'self' ws: wss:",
  "img-src 'self' data:",
  "style-src 'self'",
  "base-uri 'none'",
  "frame-ancestors 'none'",
].join('; ');

const notBuilt = `<!doctype html><html lang="en"><meta charset="utf-8"><title>Tickwire</title>
<h1>Tickwire is running</h1>
<p>The page is not built. Build it with <code>npx vite build web</code> and start again.</p>
<p>Data is at <a href="/api/v1/symbols">/api/v1/symbols</a>, health at <a href="/api/v1/health">/api/v1/health</a>.</p>
`;

export interface PageFile extends Answer {
  readonly etag: string;
}
export type PageFiles = ReadonlyMap<string, PageFile>;

/**
 * All files under `root`, by URL path. A missing folder gives a page that says how to build it.
 * @throws RangeError when they are more than 64 MiB
 */
export function readPageFiles(root: string | undefined): PageFiles {
  const files = new Map<string, PageFile>();
  let bytes = 0;
  for (const name of root === undefined ? [] : filesUnder(root)) {
    const body = readFileSync(join(root!, name));
    bytes += body.length;
    if (bytes > bytesMax) throw new RangeError(`more than ${bytesMax} bytes of files under ${root}`);
    const path = `/${name.split(sep).join('/')}`;
    files.set(path, pageFile(path, body));
  }
  const page = files.get('/index.html') ?? pageFile('/index.html', Buffer.from(notBuilt));
  return files.set('/', page);
}

function filesUnder(root: string): string[] {
  try {
    return readdirSync(root, { recursive: true, encoding: 'utf8' }).filter((name) =>
      statSync(join(root, name)).isFile(),
    );
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  }
}

function pageFile(path: string, body: Buffer): PageFile {
  const etag = `"${createHash('sha256').update(body).digest('base64url').slice(0, 22)}"`;
  const headers = {
    etag,
    'cache-control': hashed.test(path) ? 'public, max-age=31536000, immutable' : 'no-cache',
    'content-security-policy': contentSecurity,
  };
  // A copy of its own: a small Buffer is a slice of a pool that others write to.
  const bytes = new Uint8Array(body);
  return {
    status: 200,
    contentType: contentTypes[extname(path)] ?? 'application/octet-stream',
    body: bytes,
    headers,
    etag,
  };
}
