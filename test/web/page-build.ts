/** Builds the page when that was not done yet, or when a source is younger than what was built. */
import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { build } from 'vite';

const root = join(import.meta.dirname, '..', '..');
const built = join(root, 'web', 'dist', 'index.html');

function youngest(folder: string): number {
  const files = readdirSync(folder, { recursive: true, withFileTypes: true });
  const sources = files.filter((file) => file.isFile() && !`${file.parentPath}/`.includes('/dist/'));
  return Math.max(...sources.map((file) => statSync(join(file.parentPath, file.name)).mtimeMs));
}

export async function buildPage(): Promise<void> {
  const sources = Math.max(
    ...['web', 'src/client', 'src/wire', 'src/market'].map((name) => youngest(join(root, name))),
  );
  const builtAt = statSync(built, { throwIfNoEntry: false })?.mtimeMs ?? 0;
  if (builtAt < sources) await build({ root: join(root, 'web'), logLevel: 'warn' });
}
