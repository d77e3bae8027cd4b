// Step 12: sets of services on several hosts, and how their changes roll out.
export const SERVICE_SETS = `
CREATE TABLE service_sets (
  id                  TEXT PRIMARY KEY,
  name                TEXT NOT NULL,
  display_name        TEXT,
  category            TEXT,
  customer_id         TEXT,
  method              TEXT NOT NULL,
  template_id         TEXT,
  labels              TEXT NOT NULL,             -- JSON object, of each member
  rollback_on_failure INTEGER NOT NULL,
  health_timeout_s    INTEGER NOT NULL,
  cpu_limit           REAL,                      -- asked for each member; null: what is its due
  memory_limit_mb     INTEGER,
  host_labels         TEXT NOT NULL,             -- JSON object: hosts with all of these get a member
  max_parallel        INTEGER NOT NULL,
  revision            INTEGER NOT NULL,          -- of what members should be; theirs count apart
  sealed              BLOB NOT NULL,             -- compose, variables, files
  created_at          INTEGER NOT NULL,
  updated_at          INTEGER NOT NULL
) STRICT;
CREATE INDEX service_sets_by_name ON service_sets (name, id);
CREATE INDEX service_sets_by_created ON service_sets (created_at, id);
CREATE INDEX service_sets_by_updated ON service_sets (updated_at, id);
CREATE INDEX service_sets_by_customer ON service_sets (customer_id);

ALTER TABLE services ADD COLUMN set_id TEXT REFERENCES service_sets (id);
ALTER TABLE services ADD COLUMN set_revision INTEGER; -- of the set, that the member was last deployed to with success
CREATE UNIQUE INDEX services_by_set ON services (set_id, host_id) WHERE set_id IS NOT NULL;

-- Hosts that a set has counted in: whoever is not here has come since.
CREATE TABLE service_set_hosts (
  set_id  TEXT NOT NULL REFERENCES service_sets (id) ON DELETE CASCADE,
  host_id TEXT NOT NULL,
  PRIMARY KEY (set_id, host_id)
) STRICT, WITHOUT ROWID;

CREATE TABLE rollouts (
  id           TEXT PRIMARY KEY,
  set_id       TEXT NOT NULL REFERENCES service_sets (id) ON DELETE CASCADE,
  set_revision INTEGER NOT NULL,
  kind         TEXT NOT NULL,                    -- create, change, redeploy, join, remove
  pull         TEXT NOT NULL,
  state        TEXT NOT NULL,                    -- running, halted, succeeded, cancelled, superseded
  halted_by    TEXT,                             -- the host
  made_by      TEXT,                             -- name of the key or person; null: a host joined
  created_at   INTEGER NOT NULL,
  finished_at  INTEGER
) STRICT;
CREATE INDEX rollouts_by_set ON rollouts (set_id);            -- and by rowid, the order in which they came
CREATE UNIQUE INDEX rollouts_current ON rollouts (set_id) WHERE state IN ('running', 'halted'); -- one at a time

CREATE TABLE rollout_targets (
  rollout_id TEXT NOT NULL REFERENCES rollouts (id) ON DELETE CASCADE,
  host_id    TEXT NOT NULL,
  position   INTEGER NOT NULL,                   -- the order among those whose turn has not come
  wave       INTEGER,                            -- null: its turn has not come
  state      TEXT NOT NULL,                      -- pending, running, succeeded, failed, skipped
  is_retry   INTEGER NOT NULL DEFAULT 0,         -- failed before the rollout was resumed
  service_id TEXT,
  job_id     TEXT,                               -- may be forgotten
  reason     TEXT,
  PRIMARY KEY (rollout_id, host_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX rollout_targets_running ON rollout_targets (rollout_id) WHERE state = 'running';
`;
