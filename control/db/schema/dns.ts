// Step 27: zones that Longshore writes, and what it has written there.
export const DNS = `
CREATE TABLE dns_zones (
  id         TEXT PRIMARY KEY,
  name       TEXT NOT NULL UNIQUE,
  settings   TEXT NOT NULL,                    -- JSON DnsSettings
  sealed     BLOB NOT NULL,                    -- the key's secret, or the API token
  ttl_s      INTEGER NOT NULL,
  created_at INTEGER NOT NULL,
  updated_at INTEGER NOT NULL
) STRICT;

-- Outlives its service until the records are gone.
CREATE TABLE dns_names (
  hostname   TEXT PRIMARY KEY,
  zone_id    TEXT NOT NULL REFERENCES dns_zones (id) ON DELETE CASCADE,
  service_id TEXT NOT NULL,
  host_id    TEXT NOT NULL,
  addresses  TEXT NOT NULL,                    -- JSON, as it is to have
  state      TEXT NOT NULL,                    -- pending, present, removing
  tries      INTEGER NOT NULL DEFAULT 0,       -- that failed in a row
  due_at     INTEGER,                          -- null: nothing to do
  error      TEXT,                             -- JSON WireError of the last try
  updated_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX dns_names_by_zone ON dns_names (zone_id, hostname);
CREATE INDEX dns_names_due ON dns_names (due_at) WHERE due_at IS NOT NULL;
`;
