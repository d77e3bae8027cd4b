// Step 26: the names of services, and what answers to them on a host.
export const DOMAINS = `
-- One row a name. A service's own name below a base domain is chosen once and kept: links to it stay good.
CREATE TABLE domains (
  id          TEXT PRIMARY KEY,
  service_id  TEXT NOT NULL REFERENCES services (id) ON DELETE CASCADE,
  hostname    TEXT NOT NULL UNIQUE,
  kind        TEXT NOT NULL,                    -- default, custom
  target      TEXT,                             -- of the compose file; null: the host finds the one that answers
  port        INTEGER,                          -- inside the container; null: likewise
  redirect_to TEXT,
  certificate TEXT,                             -- JSON, what the uploaded one says; null: one is asked for
  sealed      BLOB,                             -- the uploaded certificate and its key
  dns         TEXT,                             -- JSON, what was found there last
  created_at  INTEGER NOT NULL,
  updated_at  INTEGER NOT NULL
) STRICT;
CREATE INDEX domains_by_service ON domains (service_id, created_at, id);

-- No row: as the control plane's settings say.
CREATE TABLE host_edges (
  host_id     TEXT PRIMARY KEY REFERENCES hosts (id) ON DELETE CASCADE,
  edge        TEXT,                             -- none, caddy
  base_domain TEXT,
  addresses   TEXT NOT NULL DEFAULT '[]',       -- JSON, where the world reaches it; empty: the public ones of its facts
  revision    INTEGER NOT NULL DEFAULT 0,       -- of the state that was sent last
  digest      TEXT,                             -- of that state
  status      TEXT,                             -- JSON EdgeStatus, the host's last word
  updated_at  INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- The name in the service's url; null: nothing answers to one.
ALTER TABLE services ADD COLUMN hostname TEXT;
`;
