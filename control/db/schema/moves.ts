// Step 30: services on their way from host to host.
export const MOVES = `
CREATE TABLE host_restores (
  id           TEXT PRIMARY KEY,
  from_host_id TEXT NOT NULL,
  to_host_id   TEXT NOT NULL,
  left_behind  TEXT NOT NULL,                   -- JSON: services that no backup was found of, and why
  made_by      TEXT NOT NULL,                   -- name of the key or person
  created_at   INTEGER NOT NULL
) STRICT;

-- Outlives its service: as long as it is here, what the old host says of that service is no news of it.
CREATE TABLE moves (
  id            TEXT PRIMARY KEY,
  service_id    TEXT NOT NULL,
  service_name  TEXT NOT NULL,
  customer_id   TEXT,
  from_host_id  TEXT NOT NULL,
  to_host_id    TEXT NOT NULL,
  restore_id    TEXT REFERENCES host_restores (id),
  state         TEXT NOT NULL,                  -- running, undoing, succeeded, failed, cancelled
  was_running   INTEGER NOT NULL,
  keeps_old     INTEGER NOT NULL,
  repository_id TEXT NOT NULL,
  backup_id     TEXT,
  jobs          TEXT NOT NULL,                  -- JSON: step to the id of its job
  deploy_job_id TEXT,                           -- the one whose end makes the service the new host's
  error         TEXT,                           -- JSON
  made_by       TEXT NOT NULL,
  created_at    INTEGER NOT NULL,
  switched_at   INTEGER,
  finished_at   INTEGER
) STRICT;
CREATE UNIQUE INDEX moves_open ON moves (service_id) WHERE finished_at IS NULL; -- one at a time
CREATE INDEX moves_by_service ON moves (service_id, created_at);
CREATE INDEX moves_by_age ON moves (created_at, id);
CREATE UNIQUE INDEX moves_by_deploy ON moves (deploy_job_id) WHERE deploy_job_id IS NOT NULL;
CREATE INDEX moves_by_restore ON moves (restore_id) WHERE restore_id IS NOT NULL;
`;
