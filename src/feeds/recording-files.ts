/**
 * The files of a recording: lines `receive time in ns, TAB, message`, gzip, a new file now and then. A file is a row of
 * gzip members, each whole and of whole lines, so that whatever was written before a crash can be read; it is called
 * `.part` until it is finished.
 *
 *   lines = written + waiting + unwritten
 */
import { constants, existsSync } from 'node:fs';
import { type FileHandle, mkdir, open, rename } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { gzip } from 'node:zlib';
import type { Timers } from './timers.ts';

/** One file of the disk. */
export interface RecordingDisk {
  /** Puts `bytes` at `position`; rejects when it cannot, and may then be asked again. */
  write(bytes: Uint8Array, position: number): Promise<void>;
  /** The file is whole: it gets its lasting name. */
  finish(): Promise<void>;
}

export interface RecordingFilesOptions {
  readonly folder: string;
  /** Files are called `NAME-YYYY-MM-DDTHH-MM-SSZ.tsv.gz`. */
  readonly name: string;
  /** A new file after so long, or when one has about so many bytes. */
  readonly rotateMs?: number;
  readonly rotateBytes?: number;
  /** Bytes of lines that may wait for the disk. */
  readonly queueBytes: number;
  readonly timers: Timers;
  /** Wall time in ms since 1970: for names. */
  readonly wallMs: () => number;
  /** `queueBytes` wait: nothing more should come. */
  readonly onFull: () => void;
  /** A quarter of that waits: more may come. */
  readonly onRoom: () => void;
  /** The next line begins a file. */
  readonly onFile: () => void;
  /** The disk does not take a block, which is tried again every second; `undefined`: it has taken it now. */
  readonly onTrouble: (error: Error | undefined) => void;
  /** For tests. */
  readonly open?: (path: string) => Promise<RecordingDisk>;
}

export interface RecordingAccount {
  readonly lines: number;
  readonly written: number;
  readonly waiting: number;
  /** The disk did not take them before the end. */
  readonly unwritten: number;
  /** Bytes of lines, before compression, that wait. */
  readonly waitingBytes: number;
  /** As they lie on the disk. */
  readonly bytes: number;
  readonly files: number;
  /** The one that is written; '' before the first line. */
  readonly file: string;
  /** Line breaks inside of messages, each replaced by a space. */
  readonly lineBreaks: number;
}

export const recordingDefaults = { rotateMs: 3_600_000, queueBytes: 64 * 2 ** 20 } as const;

const blockBytes = 1_048_576;
/** What came is on the disk so soon after. */
const flushMs = 1_000;
const retryMs = 1_000;
const headBytesMax = 24;
const [space, lineFeed, carriageReturn] = [32, 10, 13] as const;

const pack = promisify(gzip);

interface OpenFile {
  readonly path: string;
  readonly openedMs: number;
  disk: RecordingDisk | undefined;
  position: number;
}

/** Whole lines on their way to a file. */
interface Block {
  readonly file: OpenFile;
  readonly bytes: Buffer;
  readonly lines: number;
  /** The last one of its file. */
  readonly isLast: boolean;
}

export class RecordingFiles {
  readonly #options: RecordingFilesOptions;
  readonly #blocks: Block[] = [];
  #file: OpenFile | undefined;
  #buffer = Buffer.allocUnsafe(blockBytes);
  #length = 0;
  #bufferLines = 0;
  #waitingBytes = 0;
  #full = false;
  #working: Promise<void> | undefined;
  #closing = false;
  #cancelFlush: (() => void) | undefined;
  #wake: (() => void) | undefined;
  readonly #counts = { lines: 0, written: 0, unwritten: 0, bytes: 0, files: 0, lineBreaks: 0 };

  constructor(options: RecordingFilesOptions) {
    this.#options = options;
  }

  /** Takes a message as it came. @param received µs since 1970 */
  write(received: number, message: Uint8Array): void {
    if (this.#closing) return;
    if (this.#isDue()) this.#cut(true);
    this.#file ??= this.#newFile();
    const head = `${received}000\t`;
    const most = headBytesMax + message.length + 1;
    if (this.#length + most > this.#buffer.length) {
      this.#cut(false);
      if (most > this.#buffer.length) this.#buffer = Buffer.allocUnsafe(most);
    }
    const buffer = this.#buffer;
    let at = this.#length + buffer.write(head, this.#length, 'latin1');
    for (let i = 0; i < message.length; i++) {
      const byte = message[i]!;
      if (byte === lineFeed || byte === carriageReturn) this.#counts.lineBreaks++;
      buffer[at++] = byte === lineFeed || byte === carriageReturn ? space : byte;
    }
    buffer[at++] = lineFeed;
    this.#waitingBytes += at - this.#length;
    this.#length = at;
    this.#bufferLines++;
    this.#counts.lines++;
    this.#cancelFlush ??= this.#options.timers.after(flushMs, () => this.#flush());
    if (this.#full || this.#waitingBytes < this.#options.queueBytes) return;
    this.#full = true;
    this.#options.onFull();
  }

  account(): RecordingAccount {
    const { lines, written, unwritten, bytes, files, lineBreaks } = this.#counts;
    return {
      lines,
      written,
      waiting: lines - written - unwritten,
      unwritten,
      waitingBytes: this.#waitingBytes,
      bytes,
      files,
      file: this.#file?.path ?? '',
      lineBreaks,
    };
  }

  /** Writes what waits, and finishes the file. What the disk does not take then is `unwritten`. */
  async close(): Promise<void> {
    if (this.#closing) return;
    this.#cancelFlush?.();
    this.#cut(true);
    this.#closing = true;
    this.#wake?.();
    await this.#working;
  }

  #isDue(): boolean {
    const { rotateMs = Infinity, rotateBytes = Infinity, wallMs } = this.#options;
    const file = this.#file;
    return file !== undefined && (file.position >= rotateBytes || wallMs() - file.openedMs >= rotateMs);
  }

  #newFile(): OpenFile {
    const { folder, name, wallMs, onFile } = this.#options;
    const openedMs = wallMs();
    const time = new Date(openedMs).toISOString().slice(0, 19).replaceAll(':', '-');
    this.#counts.files++;
    // Several may begin within a second, in this run or in another one.
    for (let number = 1; ; number++) {
      const path = join(folder, `${name}-${time}Z${number === 1 ? '' : `-${number}`}.tsv.gz`);
      if (path === this.#file?.path || existsSync(path) || existsSync(partOf(path))) continue;
      if (this.#blocks.some(({ file }) => file.path === path)) continue;
      onFile();
      return { path, openedMs, disk: undefined, position: 0 };
    }
  }

  #flush(): void {
    this.#cancelFlush = undefined;
    if (this.#isDue()) this.#cut(true);
    else if (this.#blocks.length === 0) this.#cut(false);
    // Else the disk is behind: the block may as well fill up.
    if (this.#length > 0) this.#cancelFlush = this.#options.timers.after(flushMs, () => this.#flush());
  }

  /** Hands the lines so far to the disk. */
  #cut(isLast: boolean): void {
    const file = this.#file;
    if (file === undefined || (this.#length === 0 && !isLast)) return;
    const bytes = this.#buffer.subarray(0, this.#length);
    this.#blocks.push({ file, bytes, lines: this.#bufferLines, isLast });
    this.#buffer = Buffer.allocUnsafe(blockBytes);
    this.#length = 0;
    this.#bufferLines = 0;
    if (isLast) this.#file = undefined;
    this.#working ??= this.#work();
  }

  async #work(): Promise<void> {
    for (let block = this.#blocks[0]; block !== undefined; block = this.#blocks[0]) {
      const taken = await this.#store(block);
      this.#blocks.shift();
      this.#counts[taken ? 'written' : 'unwritten'] += block.lines;
      this.#waitingBytes -= block.bytes.length;
      if (!this.#full || this.#waitingBytes > this.#options.queueBytes / 4) continue;
      this.#full = false;
      this.#options.onRoom();
    }
    this.#working = undefined;
  }

  /** False when the disk does not take it and the end has come. */
  async #store({ file, bytes, isLast }: Block): Promise<boolean> {
    const member = bytes.length === 0 ? undefined : await pack(bytes);
    for (let failed = false; ; failed = true) {
      try {
        file.disk ??= await (this.#options.open ?? this.#openFile)(file.path);
        if (member !== undefined) await file.disk.write(member, file.position);
        if (failed) this.#options.onTrouble(undefined);
        break;
      } catch (error) {
        if (!failed) this.#options.onTrouble(error as Error);
        if (this.#closing) return false;
        await this.#pause();
      }
    }
    file.position += member?.length ?? 0;
    this.#counts.bytes += member?.length ?? 0;
    if (isLast) await file.disk.finish().catch(this.#options.onTrouble);
    return true;
  }

  readonly #openFile = async (path: string): Promise<RecordingDisk> => {
    await mkdir(this.#options.folder, { recursive: true });
    return new DiskFile(
      path,
      await open(partOf(path), constants.O_CREAT | constants.O_EXCL | constants.O_WRONLY),
    );
  };

  #pause(): Promise<void> {
    return new Promise((resolve) => {
      const cancel = this.#options.timers.after(retryMs, resolve);
      this.#wake = () => {
        cancel();
        resolve();
      };
    });
  }
}

/** What a file is called until it is finished. */
export function partOf(path: string): string {
  return `${path}.part`;
}

class DiskFile implements RecordingDisk {
  readonly #path: string;
  readonly #handle: FileHandle;

  constructor(path: string, handle: FileHandle) {
    this.#path = path;
    this.#handle = handle;
  }

  async write(bytes: Uint8Array, position: number): Promise<void> {
    for (let done = 0; done < bytes.length; ) {
      const { bytesWritten } = await this.#handle.write(bytes, done, bytes.length - done, position + done);
      done += bytesWritten;
    }
  }

  async finish(): Promise<void> {
    await this.#handle.close();
    await rename(partOf(this.#path), this.#path);
  }
}
