// The agent's tables. Forward only: a migration that was released is never edited, a new one is added below it.
import type { Migration } from '#shared/sqlite.ts';

export const MIGRATIONS: readonly Migration[] = [
  {
    version: 1,
    sql: `
      CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID;

      CREATE TABLE services (
        id TEXT PRIMARY KEY,
        name TEXT NOT NULL,
        revision INTEGER NOT NULL,
        spec BLOB NOT NULL,              -- sealed: holds variables
        desired TEXT NOT NULL CHECK (desired IN ('running', 'stopped')),
        enabled INTEGER NOT NULL DEFAULT 1,
        good_revision INTEGER,
        failure TEXT,                    -- why the last deploy failed; null once one succeeds
        forget_revision INTEGER,         -- tombstone: forget it when Docker has nothing of it
        report TEXT                      -- the last one put in the outbox
      ) STRICT;
      CREATE INDEX services_name ON services (name);

      CREATE TABLE jobs (
        number INTEGER PRIMARY KEY AUTOINCREMENT,  -- order of acceptance
        id TEXT NOT NULL UNIQUE,
        service_id TEXT NOT NULL,
        kind TEXT NOT NULL,
        offer BLOB,                      -- sealed; null once the job has ended
        state TEXT NOT NULL,
        cancel TEXT CHECK (cancel IN ('cancelled', 'superseded')),
        attempts INTEGER NOT NULL DEFAULT 1,
        started_at INTEGER,
        finished_at INTEGER,
        result TEXT
      ) STRICT;
      CREATE INDEX jobs_open ON jobs (number) WHERE finished_at IS NULL;
      CREATE INDEX jobs_finished ON jobs (finished_at) WHERE finished_at IS NOT NULL;

      CREATE TABLE job_steps (
        job_id TEXT NOT NULL REFERENCES jobs (id) ON DELETE CASCADE,
        step TEXT NOT NULL,
        state TEXT NOT NULL,
        intent_at INTEGER NOT NULL,      -- first intent without an outcome
        at INTEGER NOT NULL,
        PRIMARY KEY (job_id, step)
      ) STRICT, WITHOUT ROWID;

      CREATE TABLE commands (
        seq INTEGER PRIMARY KEY,
        digest TEXT NOT NULL,            -- tells a repeat from another command under the same number
        refusal TEXT                     -- the answer a repeat gets as well
      ) STRICT;

      CREATE TABLE outbox (
        seq INTEGER PRIMARY KEY,
        first INTEGER NOT NULL,          -- a gap stands for first..seq, everything else for seq alone
        kind TEXT NOT NULL,
        state_key TEXT,                  -- set for a state of which only the latest counts
        body TEXT NOT NULL,
        bytes INTEGER NOT NULL,
        at INTEGER NOT NULL
      ) STRICT;
      CREATE UNIQUE INDEX outbox_state ON outbox (state_key) WHERE state_key IS NOT NULL;

      CREATE TABLE outbox_head (
        last INTEGER NOT NULL,           -- highest number ever given
        acked INTEGER NOT NULL,          -- highest number control was known to have; may lag behind
        bytes INTEGER NOT NULL           -- kept by the triggers, so that no code path can forget it
      ) STRICT;
      INSERT INTO outbox_head VALUES (0, 0, 0);
      CREATE TRIGGER outbox_grows AFTER INSERT ON outbox BEGIN UPDATE outbox_head SET bytes = bytes + NEW.bytes; END;
      CREATE TRIGGER outbox_shrinks AFTER DELETE ON outbox BEGIN UPDATE outbox_head SET bytes = bytes - OLD.bytes; END;
    `,
  },
  {
    version: 2,
    sql: `
      ALTER TABLE services ADD COLUMN former_secrets BLOB;  -- sealed: older logs and a rolled back revision still hold them
    `,
  },
  {
    version: 3,
    sql: `
      CREATE TABLE backup_passwords (
        service_id TEXT PRIMARY KEY,
        password BLOB NOT NULL           -- sealed; outlives the service, as its backups do
      ) STRICT, WITHOUT ROWID;
    `,
  },
  {
    version: 4,
    sql: `
      CREATE TABLE adopted (
        container_id TEXT PRIMARY KEY,
        compose_service TEXT NOT NULL,
        service_id TEXT NOT NULL,
        project TEXT NOT NULL            -- the service's name
      ) STRICT, WITHOUT ROWID;
    `,
  },
  {
    version: 5,
    sql: `
      ALTER TABLE services ADD COLUMN drift TEXT;  -- the last word on it, and since when; null while nothing was compared
    `,
  },
  {
    version: 6,
    sql: `
      CREATE TABLE schedules (
        id TEXT PRIMARY KEY,
        revision INTEGER NOT NULL,
        spec BLOB NOT NULL,              -- sealed: a command may hold a secret
        cursor INTEGER NOT NULL          -- what was due up to here is decided
      ) STRICT, WITHOUT ROWID;

      CREATE TABLE schedule_runs (
        number INTEGER PRIMARY KEY AUTOINCREMENT,
        id TEXT NOT NULL UNIQUE,
        schedule_id TEXT NOT NULL,
        body TEXT NOT NULL,
        finished_at INTEGER
      ) STRICT;
      CREATE INDEX schedule_runs_open ON schedule_runs (number) WHERE finished_at IS NULL;
      CREATE INDEX schedule_runs_finished ON schedule_runs (finished_at) WHERE finished_at IS NOT NULL;
    `,
  },
  {
    version: 7,
    sql: `
      ALTER TABLE jobs ADD COLUMN cause TEXT;  -- who of this host gave it: \`local\`, \`by schedule …\`; null: control did
    `,
  },
  {
    version: 8,
    sql: `
      ALTER TABLE services ADD COLUMN healing TEXT;  -- what is remembered of failures and restarts; null before a first look
    `,
  },
  {
    version: 9,
    sql: `
      ALTER TABLE services ADD COLUMN health_checks BLOB;  -- sealed; those in force now, null: none of our own
    `,
  },
  {
    version: 10,
    sql: `
      CREATE TABLE backup_settings (
        service_id TEXT PRIMARY KEY,     -- outlives the service
        sealed BLOB NOT NULL             -- with the password of its repository
      ) STRICT, WITHOUT ROWID;
    `,
  },
  {
    version: 11,
    sql: `
      CREATE TABLE edge (
        id INTEGER PRIMARY KEY CHECK (id = 1),
        revision INTEGER NOT NULL,
        sealed BLOB NOT NULL             -- EdgeState, with the keys of certificates
      ) STRICT;

      CREATE TABLE edge_parts (          -- of a state that came in several commands, until the last of them is here
        position INTEGER PRIMARY KEY,
        revision INTEGER NOT NULL,
        sealed BLOB NOT NULL
      ) STRICT;
    `,
  },
];
