/**
 * Schema versions of an SQLite file. Each migration runs in a transaction of its own together with the row that
 * says it ran: killed anywhere, the next start goes on where the file stands (scenario 53).
 */
import type Database from 'better-sqlite3';

export interface Migration {
  /** 1, 2, 3 …, without holes. */
  readonly version: number;
  readonly name: string;
  readonly sql: string;
}

const versionTable = `CREATE TABLE IF NOT EXISTS schema_migrations (
  version INTEGER PRIMARY KEY,
  name TEXT NOT NULL,
  applied_at TEXT NOT NULL DEFAULT CURRENT_TIMESTAMP
) STRICT`;

/**
 * Brings the file up to the newest version; safe to run again, and from two processes at once.
 * @returns how many migrations ran.
 * @throws when the file was written by a newer program.
 */
export function migrate(db: Database.Database, migrations: readonly Migration[]): number {
  db.exec(versionTable);
  const newest = migrations.at(-1)?.version ?? 0;
  const known = schemaVersion(db);
  if (known > newest) {
    throw new Error(
      `${db.name} has schema version ${known}; this program knows up to ${newest}: run the newer one`,
    );
  }
  let ran = 0;
  for (const migration of migrations) {
    if (migration.version <= known) continue;
    // Asked again inside the lock: another process may have been faster.
    const step = db.transaction((): number => {
      if (schemaVersion(db) >= migration.version) return 0;
      db.exec(migration.sql);
      db.prepare('INSERT INTO schema_migrations (version, name) VALUES (?, ?)').run(
        migration.version,
        migration.name,
      );
      return 1;
    });
    ran += step.immediate();
  }
  return ran;
}

/** The newest migration that the file has; 0 for none. */
export function schemaVersion(db: Database.Database): number {
  return db.prepare<[], number>('SELECT coalesce(max(version), 0) FROM schema_migrations').pluck().get()!;
}
