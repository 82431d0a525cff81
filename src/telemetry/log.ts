/** The log: JSON lines on stderr by pino (or plain ones to read), without secrets, and without floods. */
import { type DestinationStream, type Logger, pino } from 'pino';
import { type Fields, Incidents } from './incidents.ts';
import { prettyTo } from './pretty.ts';
import { printable, printableText } from './redact.ts';

export type { Fields } from './incidents.ts';

export const logLevels = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'] as const;
export type LogLevel = (typeof logLevels)[number];

export interface Log {
  trace(message: string, fields?: Fields): void;
  debug(message: string, fields?: Fields): void;
  info(message: string, fields?: Fields): void;
  warn(message: string, fields?: Fields): void;
  error(message: string, fields?: Fields): void;
  fatal(message: string, fields?: Fields): void;
  /**
   * Something that may happen thousands of times a second. The first of each `key` is told at once as a warning,
   * then at most one line a second with `repeats`: how many more there were since the last line.
   */
  incident(key: string, message: string, fields?: Fields): void;
  /** A log whose lines carry `fields` as well. */
  child(fields: Fields): Log;
  /** Tells the incidents that are still counted. May be called twice, and the log used after it. */
  close(): void;
}

export interface LogOptions {
  readonly level?: LogLevel;
  readonly format?: 'json' | 'pretty';
  /** Where lines go: stderr unless told otherwise. */
  readonly stream?: DestinationStream;
}

/** Lines are written at once and whole, so that the last words before a crash are kept. Works in every thread. */
export function openLog({ level = 'info', format = 'json', stream }: LogOptions = {}): Log {
  const out = stream ?? pino.destination({ dest: 2, sync: true });
  const logger = pino(
    {
      level,
      base: null,
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
    },
    format === 'pretty' ? prettyTo(out) : out,
  );
  return new PinoLog(logger, new Incidents(), '');
}

class PinoLog implements Log {
  readonly #logger: Logger;
  readonly #incidents: Incidents;
  readonly #name: string;

  constructor(logger: Logger, incidents: Incidents, name: string) {
    this.#logger = logger;
    this.#incidents = incidents;
    this.#name = name;
  }

  #write(level: Exclude<LogLevel, 'silent'>, message: string, fields: Fields): void {
    if (this.#logger.isLevelEnabled(level)) this.#logger[level](printable(fields), printableText(message));
  }

  trace(message: string, fields: Fields = {}): void {
    this.#write('trace', message, fields);
  }

  debug(message: string, fields: Fields = {}): void {
    this.#write('debug', message, fields);
  }

  info(message: string, fields: Fields = {}): void {
    this.#write('info', message, fields);
  }

  warn(message: string, fields: Fields = {}): void {
    this.#write('warn', message, fields);
  }

  error(message: string, fields: Fields = {}): void {
    this.#write('error', message, fields);
  }

  fatal(message: string, fields: Fields = {}): void {
    this.#write('fatal', message, fields);
  }

  incident(key: string, message: string, fields: Fields = {}): void {
    this.#incidents.report(this.#name + key, message, fields, (text, all) => this.#write('warn', text, all));
  }

  child(fields: Fields): Log {
    // The same incident of another child is another one: the fields are part of its key.
    const shown = printable(fields);
    return new PinoLog(this.#logger.child(shown), this.#incidents, `${this.#name}${JSON.stringify(shown)} `);
  }

  close(): void {
    this.#incidents.close();
  }
}
