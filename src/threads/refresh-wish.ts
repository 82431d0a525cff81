/** How another process asks the server that runs on a data folder to read the venues' listings now. */
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const fileName = 'refresh.wish';

export function wishRefresh(dataDir: string): void {
  writeFileSync(join(dataDir, fileName), '');
}

/** True when somebody has asked since the last time. A wish that cannot be taken away is none: it would never end. */
export function takeRefreshWish(dataDir: string): boolean {
  try {
    rmSync(join(dataDir, fileName));
    return true;
  } catch {
    return false;
  }
}
