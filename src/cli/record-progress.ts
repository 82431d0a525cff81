/** How a recording goes: one line while it does, and what it came to. */
import { basename } from 'node:path';
import type { Recorder, RecorderHealth } from '../feeds/recorder.ts';
import type { VenueSettings } from '../threads/venues.ts';
import type { TextOutput } from './backfill-progress.ts';

const drawMs = { terminal: 500, lines: 5_000 } as const;

export interface RecordedLine {
  readonly settings: VenueSettings;
  readonly recorder: Recorder;
}

/** One line updated in place on a terminal, lines now and then elsewhere. */
export class RecordProgress {
  readonly #out: TextOutput;
  readonly #lines: readonly RecordedLine[];
  readonly #timer: NodeJS.Timeout;
  #messages = 0;
  #at = performance.now();

  constructor(out: TextOutput, lines: readonly RecordedLine[]) {
    this.#out = out;
    this.#lines = lines;
    this.#timer = setInterval(() => this.#draw(), out.isTTY === true ? drawMs.terminal : drawMs.lines);
  }

  stop(): void {
    clearInterval(this.#timer);
    if (this.#out.isTTY === true) this.#out.write('\r\u{1b}[K');
  }

  #draw(): void {
    const all = this.#lines.map(({ settings, recorder }) => ({
      name: settings.venue.name,
      health: recorder.health(),
    }));
    const messages = all.reduce((sum, { health }) => sum + health.messages, 0);
    const now = performance.now();
    const rate = ((messages - this.#messages) * 1_000) / (now - this.#at);
    this.#messages = messages;
    this.#at = now;
    const text = `${Math.round(rate)} messages/s; ${all.map(({ name, health }) => progressOf(name, health)).join('; ')}`;
    if (this.#out.isTTY === true)
      this.#out.write(`\r${text.slice(0, (this.#out.columns ?? 120) - 1)}\u{1b}[K`);
    else this.#out.write(`${text}\n`);
  }
}

function progressOf(name: string, { files, messages, isPaused, feed }: RecorderHealth): string {
  const open = feed.connections.filter(({ state }) => state === 'open').length;
  const sockets =
    open === feed.connections.length ? '' : `, ${open} of ${feed.connections.length} sockets open`;
  const paused = isPaused ? ', PAUSED for the disk' : '';
  const at = files.file === '' ? '' : ` in ${basename(files.file)}`;
  return `${name} ${messages} messages, ${sizeText(files.bytes)}${at}${sockets}${paused}`;
}

/** One sentence with what was lost or odd, where anything was. */
export function summaryOf({ settings, recorder }: RecordedLine): string {
  const { files, messages, books, pauses, pausedMs, feed } = recorder.health();
  const refused = Object.values(feed.account.refused).reduce((sum, count) => sum + count, 0);
  const parts = [
    `${messages} messages`,
    ...(books.given > 0 ? [`${books.given} book snapshots`] : []),
    `${files.written} lines written, ${sizeText(files.bytes)} in ${files.files} ${files.files === 1 ? 'file' : 'files'}`,
    ...(files.lineBreaks > 0 ? [`${files.lineBreaks} line breaks in messages became spaces`] : []),
    ...(refused > 0 ? [`${refused} messages that the server would refuse`] : []),
    ...(pauses > 0
      ? [`the sockets waited ${pauses} times for the disk, ${Math.round(pausedMs)} ms in all`]
      : []),
    ...(files.unwritten > 0 ? [`${files.unwritten} LINES COULD NOT BE WRITTEN`] : []),
  ];
  return `${settings.venue.name}: ${parts.join('; ')}\n`;
}

function sizeText(bytes: number): string {
  return bytes < 2 ** 20 ? `${(bytes / 1_024).toFixed(1)} KiB` : `${(bytes / 2 ** 20).toFixed(1)} MiB`;
}
