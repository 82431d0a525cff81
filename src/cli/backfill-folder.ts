/** Who works on the data folder: this process, or another one that may end at any time. */
import type { FolderLock } from './folder-lock.ts';
import { lockUnlessRunning } from './folder-state.ts';

/** The data folder: this process has it alone, or another Tickwire has it. */
export class FolderShare {
  readonly #folder: string;
  #lock: FolderLock | undefined;
  #wasFree = false;

  /** @throws UsageFault when the folder cannot be used */
  constructor(folder: string) {
    this.#folder = folder;
    this.#lock = lockUnlessRunning(folder);
  }

  get isAlone(): boolean {
    return this.#lock !== undefined;
  }

  /** Takes the folder when it is free for the second time in a row: a server that is started anew comes first. */
  takeOver(): boolean {
    const lock = lockUnlessRunning(this.#folder);
    if (lock !== undefined && this.#wasFree) this.#lock = lock;
    else lock?.release();
    this.#wasFree = lock !== undefined;
    return this.isAlone;
  }

  release(): void {
    this.#lock?.release();
  }
}
