// Step 24: hosts that take no new services, that were emptied for a while or removed; and incidents, which are what one
// fault did to hosts.
export const HOST_CARE = `
ALTER TABLE hosts ADD COLUMN facts_at INTEGER;    -- when it told its facts
ALTER TABLE hosts ADD COLUMN cordoned_at INTEGER; -- null: it takes new services
ALTER TABLE hosts ADD COLUMN drained_at INTEGER;  -- null: its services run
ALTER TABLE hosts ADD COLUMN removed_at INTEGER;  -- null: it is one of the fleet; a row that stays keeps its key out

-- What a drain stopped, and what undoing the drain brings back.
CREATE TABLE drained_services (
  service_id   TEXT PRIMARY KEY REFERENCES services (id) ON DELETE CASCADE,
  host_id      TEXT NOT NULL,
  drained_from TEXT NOT NULL                      -- running, deploying
) STRICT, WITHOUT ROWID;
CREATE INDEX drained_services_by_host ON drained_services (host_id);

CREATE TABLE incidents (
  id         TEXT PRIMARY KEY,
  kind       TEXT NOT NULL,
  boot_ids   TEXT NOT NULL DEFAULT '[]',          -- JSON, of machines that share a key
  addresses  TEXT NOT NULL DEFAULT '[]',          -- JSON, of the same
  started_at INTEGER NOT NULL,
  ended_at   INTEGER
) STRICT;
CREATE INDEX incidents_by_start ON incidents (started_at, id);
CREATE INDEX incidents_open ON incidents (kind) WHERE ended_at IS NULL;

CREATE TABLE incident_hosts (
  incident_id TEXT NOT NULL REFERENCES incidents (id) ON DELETE CASCADE,
  host_id     TEXT NOT NULL,
  lost_at     INTEGER NOT NULL,
  back_at     INTEGER,
  PRIMARY KEY (incident_id, host_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX incident_hosts_by_host ON incident_hosts (host_id);
CREATE INDEX incident_hosts_away ON incident_hosts (incident_id) WHERE back_at IS NULL;

ALTER TABLE events ADD COLUMN incident_id TEXT;   -- that it is a part of
`;
