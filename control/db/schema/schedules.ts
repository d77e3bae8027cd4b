// Schedules, what each host was sent of them, and their runs.
export const SCHEDULES = `
CREATE TABLE schedules (
  id              TEXT PRIMARY KEY,
  name            TEXT NOT NULL,
  kind            TEXT NOT NULL,
  cron            TEXT NOT NULL,
  time_zone       TEXT NOT NULL,
  targets         TEXT NOT NULL,             -- JSON
  service_id      TEXT,                      -- of those that are for one service
  customer_id     TEXT,                      -- reaches this customer's services only
  host_labels     TEXT,                      -- JSON object: reaches hosts with these only
  delay_between_s INTEGER NOT NULL,
  catch_up        TEXT NOT NULL,
  jitter_s        INTEGER NOT NULL,
  is_enabled      INTEGER NOT NULL,
  sealed_exec     BLOB,                      -- a command may hold a secret
  revision        INTEGER NOT NULL,          -- milliseconds, so that it grows past what a lost control plane had given
  created_at      INTEGER NOT NULL,
  updated_at      INTEGER NOT NULL
) STRICT;
CREATE INDEX schedules_by_age ON schedules (created_at, id);
CREATE INDEX schedules_by_service ON schedules (service_id) WHERE service_id IS NOT NULL;

-- What is on its way to a host, or there.
CREATE TABLE schedule_hosts (
  schedule_id TEXT NOT NULL REFERENCES schedules (id) ON DELETE CASCADE,
  host_id     TEXT NOT NULL,
  revision    INTEGER NOT NULL,
  PRIMARY KEY (schedule_id, host_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX schedule_hosts_by_host ON schedule_hosts (host_id);

CREATE TABLE schedule_runs (
  id          TEXT PRIMARY KEY,
  schedule_id TEXT NOT NULL REFERENCES schedules (id) ON DELETE CASCADE,
  host_id     TEXT NOT NULL,
  state       TEXT NOT NULL,
  due_at      INTEGER NOT NULL,
  finished_at INTEGER,
  body        TEXT NOT NULL                  -- JSON, as the host told it last
) STRICT;
CREATE INDEX schedule_runs_by_schedule ON schedule_runs (schedule_id, due_at, id);
CREATE INDEX schedule_runs_by_age ON schedule_runs (due_at);
`;
