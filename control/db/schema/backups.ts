// Step 9: backups, and which one a job is about.
export const BACKUPS = `
CREATE TABLE backups (
  id           TEXT PRIMARY KEY,
  service_id   TEXT NOT NULL,                -- outlives the service
  service_name TEXT NOT NULL,
  customer_id  TEXT,
  host_id      TEXT NOT NULL,
  job_id       TEXT NOT NULL,                -- made it; may be forgotten by now
  state        TEXT NOT NULL,                -- pending, running, succeeded, failed
  snapshot_id  TEXT,                         -- these four once it succeeded
  files        INTEGER,
  total_bytes  INTEGER,
  added_bytes  INTEGER,
  error        TEXT,                         -- JSON WireError
  created_at   INTEGER NOT NULL,
  finished_at  INTEGER
) STRICT;
CREATE INDEX backups_by_age ON backups (created_at, id);
CREATE INDEX backups_by_service ON backups (service_id, created_at, id);

ALTER TABLE jobs ADD COLUMN backup_id TEXT;
`;
