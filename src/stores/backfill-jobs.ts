/**
 * Jobs that fetch the venue's candles of the past (`jobs.db`). Several processes may touch the file: any may add, pause
 * and resume; only the one that holds the data folder runs them.
 */
import Database from 'better-sqlite3';
import { type Migration, migrate } from './sqlite-migrations.ts';

export type BackfillState = 'queued' | 'running' | 'paused' | 'done' | 'failed';

export interface BackfillRequest {
  /** Canonical symbol. */
  readonly symbol: string;
  /** Index in `resolutions`. */
  readonly resolution: number;
  /** Open times in µs: from ≤ open < to. */
  readonly from: number;
  readonly to: number;
  /** Own bars that are incomplete may be replaced. */
  readonly replace: boolean;
}

export interface BackfillJob extends BackfillRequest {
  readonly id: number;
  /** µs: candles before it are stored. */
  readonly position: number;
  readonly state: BackfillState;
  /** Candles that came … */
  readonly rows: number;
  /** … of which own bars were replaced by so many, and so many gave way to own bars. */
  readonly replaced: number;
  readonly left: number;
  /** ms since 1970. */
  readonly created: number;
  readonly updated: number;
  /** Why it failed, or what it waits for; empty when all is well. */
  readonly error: string;
}

/** What one page of candles came to. */
export interface BackfillPage {
  readonly rows: number;
  readonly replaced: number;
  readonly left: number;
}

const migrations: readonly Migration[] = [
  {
    version: 1,
    name: 'backfill jobs',
    sql: `CREATE TABLE backfill_jobs (
      id INTEGER PRIMARY KEY AUTOINCREMENT,
      symbol TEXT NOT NULL,
      resolution INTEGER NOT NULL,
      "from" INTEGER NOT NULL,
      "to" INTEGER NOT NULL,
      position INTEGER NOT NULL,
      state TEXT NOT NULL CHECK (state IN ('queued', 'running', 'paused', 'done', 'failed')),
      rows INTEGER NOT NULL DEFAULT 0,
      replaced INTEGER NOT NULL DEFAULT 0,
      "left" INTEGER NOT NULL DEFAULT 0,
      created INTEGER NOT NULL,
      updated INTEGER NOT NULL,
      error TEXT NOT NULL DEFAULT '',
      "replace" INTEGER NOT NULL
    ) STRICT`,
  },
];
const busyMs = 5_000;

interface JobRow extends Omit<BackfillJob, 'replace'> {
  readonly replace: number;
}

const moves = {
  pause: { to: 'paused', from: "'queued', 'running'" },
  resume: { to: 'queued', from: "'paused', 'failed'" },
} as const;

export class BackfillJobs {
  readonly #db: Database.Database;
  readonly #now: () => number;

  /**
   * @param file made when it is absent
   * @param now ms since 1970
   * @throws Error with one clear sentence when the file cannot be used
   */
  constructor(file: string, now: () => number = Date.now) {
    this.#now = now;
    let db: Database.Database | undefined;
    try {
      db = new Database(file, { timeout: busyMs });
      db.pragma('journal_mode = WAL');
      // After a power cut the last positions may be older than the bars: their pages are fetched again.
      db.pragma('synchronous = NORMAL');
      migrate(db, migrations);
      this.#db = db;
    } catch (error) {
      db?.close();
      throw new Error(`jobs database ${file} cannot be used: ${(error as Error).message}`, { cause: error });
    }
  }

  add({ symbol, resolution, from, to, replace }: BackfillRequest): BackfillJob {
    const now = this.#now();
    const row = this.#db
      .prepare<unknown[], JobRow>(
        `INSERT INTO backfill_jobs (symbol, resolution, "from", "to", position, state, created, updated, "replace")
         VALUES (?, ?, ?, ?, ?, 'queued', ?, ?, ?) RETURNING *`,
      )
      .get(symbol, resolution, from, to, from, now, now, replace ? 1 : 0)!;
    return jobOf(row);
  }

  /** The newest, at most `limit`, rising by id. */
  list(limit = 1_000): BackfillJob[] {
    return this.#db
      .prepare<[number], JobRow>('SELECT * FROM backfill_jobs ORDER BY id DESC LIMIT ?')
      .all(limit)
      .map(jobOf)
      .toReversed();
  }

  get(id: number): BackfillJob | undefined {
    const row = this.#db.prepare<[number], JobRow>('SELECT * FROM backfill_jobs WHERE id = ?').get(id);
    return row && jobOf(row);
  }

  /**
   * The job whose next page is due, marked as running: the one under way, else the oldest that waits.
   * @param except jobs that are not due now
   */
  next(except: ReadonlySet<number> = new Set()): BackfillJob | undefined {
    const due = this.#db
      .prepare<[], JobRow>(
        "SELECT * FROM backfill_jobs WHERE state IN ('running', 'queued') ORDER BY state = 'queued', id",
      )
      .all()
      .find(({ id }) => !except.has(id));
    if (due === undefined) return undefined;
    if (due.state === 'running') return jobOf(due);
    const taken = this.#db
      .prepare<[number, number], JobRow>(
        "UPDATE backfill_jobs SET state = 'running', updated = ? WHERE id = ? AND state = 'queued' RETURNING *",
      )
      .get(this.#now(), due.id);
    // Paused in between: the next look finds another.
    return taken === undefined ? this.next(new Set([...except, due.id])) : jobOf(taken);
  }

  /** A page is stored durably: the job goes on at `position`, and is done when that is its end. */
  advance(id: number, position: number, page: BackfillPage): BackfillJob {
    const row = this.#db
      .prepare<unknown[], JobRow>(
        `UPDATE backfill_jobs SET position = ?, rows = rows + ?, replaced = replaced + ?, "left" = "left" + ?,
           updated = ?, error = '', state = iif(? >= "to", 'done', state) WHERE id = ? RETURNING *`,
      )
      .get(position, page.rows, page.replaced, page.left, this.#now(), position, id)!;
    return jobOf(row);
  }

  fail(id: number, error: string): void {
    this.#db
      .prepare("UPDATE backfill_jobs SET state = 'failed', error = ?, updated = ? WHERE id = ?")
      .run(error, this.#now(), id);
  }

  /** What a running job waits for. */
  note(id: number, text: string): void {
    this.#db
      .prepare('UPDATE backfill_jobs SET error = ?, updated = ? WHERE id = ?')
      .run(text, this.#now(), id);
  }

  /** @returns the job as it is then; undefined when there is none. A job that is over stays as it is. */
  pause(id: number): BackfillJob | undefined {
    return this.#move(id, moves.pause);
  }

  /** Also for a job that failed: it goes on where it stopped. */
  resume(id: number): BackfillJob | undefined {
    return this.#move(id, moves.resume);
  }

  #move(id: number, { to, from }: (typeof moves)[keyof typeof moves]): BackfillJob | undefined {
    this.#db
      .prepare(
        `UPDATE backfill_jobs SET state = ?, error = '', updated = ? WHERE id = ? AND state IN (${from})`,
      )
      .run(to, this.#now(), id);
    return this.get(id);
  }

  close(): void {
    this.#db.close();
  }
}

function jobOf(row: JobRow): BackfillJob {
  return { ...row, replace: row.replace === 1 };
}
