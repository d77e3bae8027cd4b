// Step 28: upgrades of the agents of hosts, in waves, and how far each host is.
export const HOST_UPGRADES = `
CREATE TABLE host_upgrades (
  id               TEXT PRIMARY KEY,
  version          TEXT NOT NULL,
  wave_size        INTEGER NOT NULL,             -- hosts at a time, after the first
  allows_downgrade INTEGER NOT NULL,
  state            TEXT NOT NULL,                -- running, halted, succeeded, cancelled, superseded
  halted_by        TEXT,                         -- the host
  made_by          TEXT NOT NULL,                -- name of the key or person
  created_at       INTEGER NOT NULL,
  finished_at      INTEGER
) STRICT;
CREATE UNIQUE INDEX host_upgrades_current ON host_upgrades ((1)) WHERE state IN ('running', 'halted'); -- one at a time

CREATE TABLE host_upgrade_targets (
  upgrade_id   TEXT NOT NULL REFERENCES host_upgrades (id) ON DELETE CASCADE,
  host_id      TEXT NOT NULL,
  position     INTEGER NOT NULL,                 -- the order among those whose turn has not come
  wave         INTEGER,                          -- null: its turn has not come
  state        TEXT NOT NULL,                    -- pending, running, succeeded, failed, skipped
  is_retry     INTEGER NOT NULL DEFAULT 0,       -- failed before the upgrade was resumed
  order_id     TEXT,                             -- under which the host was told; another one for each try
  from_version TEXT,
  phase        TEXT,                             -- what the host said last; null: nothing yet
  percent      INTEGER,
  heard_at     INTEGER,                          -- when it said something new
  well         TEXT,                             -- JSON: ids of its services that were well before
  reason       TEXT,
  PRIMARY KEY (upgrade_id, host_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX host_upgrade_targets_running ON host_upgrade_targets (upgrade_id) WHERE state = 'running';
`;
