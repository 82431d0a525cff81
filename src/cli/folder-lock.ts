/**
 * One process for one folder. The lock is the kernel's on an SQLite file that stays empty, so it goes with the process
 * however that dies: a file left behind locks nobody out.
 */
import { mkdirSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import Database from 'better-sqlite3';
import { UsageFault } from './arguments.ts';

/** Two that start at once may get in each other's way for a moment; then exactly one has it. */
const busyMs = 500;

export class FolderLock {
  readonly #db: Database.Database;

  private constructor(db: Database.Database) {
    this.#db = db;
  }

  /** For a folder that is kept: the lock lies in it. Makes the folder. @throws UsageFault in one sentence */
  static inside(folder: string): FolderLock {
    return FolderLock.#take(folder, join(folder, 'lock.db'));
  }

  /** For a folder that is emptied: the lock lies beside it. @throws UsageFault in one sentence */
  static beside(folder: string): FolderLock {
    return FolderLock.#take(folder, `${folder}~lock.db`);
  }

  static #take(folder: string, file: string): FolderLock {
    let db: Database.Database | undefined;
    try {
      mkdirSync(dirname(file), { recursive: true });
      db = new Database(file, { timeout: busyMs });
      db.exec('BEGIN EXCLUSIVE');
      return new FolderLock(db);
    } catch (error) {
      db?.close();
      if ((error as { code?: string }).code !== 'SQLITE_BUSY') throw folderFault(folder, error);
      throw new UsageFault(
        `the data folder ${folder} is in use by another Tickwire: stop that one, or name another folder with --data`,
        { cause: error },
      );
    }
  }

  /** To be called at the end: what nobody holds any more, the garbage collector would close earlier. */
  release(): void {
    this.#db.close();
  }
}

/** @throws UsageFault in one sentence */
export function removeFolder(folder: string): void {
  try {
    rmSync(folder, { recursive: true, force: true });
  } catch (error) {
    throw folderFault(folder, error);
  }
}

function folderFault(folder: string, error: unknown): UsageFault {
  const { code = '', message } = error as { readonly code?: string; readonly message: string };
  return new UsageFault(
    `the data folder ${folder} cannot be used: ${reasons[code] ?? message}; name another one with --data`,
    { cause: error },
  );
}

const reasons: Readonly<Record<string, string>> = {
  EEXIST: 'a file has this name',
  ENOTDIR: 'a file lies where a folder should be',
  ENOENT: 'no folder can be made there',
  EACCES: 'its permissions forbid it',
  EPERM: 'its permissions forbid it',
  EROFS: 'it cannot be written',
  ENOSPC: 'the disk is full',
  SQLITE_CANTOPEN: 'no file can be made in it',
  SQLITE_READONLY: 'it cannot be written',
  SQLITE_NOTADB: 'what lies in its lock.db is no lock of ours',
};
