/** Whether a server runs on a data folder, asked by taking its lock. */
import { FolderLock } from './folder-lock.ts';

/** The folder's lock; undefined when another Tickwire has it. @throws UsageFault when the folder cannot be used */
export function lockUnlessRunning(folder: string): FolderLock | undefined {
  try {
    return FolderLock.inside(folder);
  } catch (error) {
    if (((error as Error).cause as { code?: string } | undefined)?.code === 'SQLITE_BUSY') return undefined;
    throw error;
  }
}
