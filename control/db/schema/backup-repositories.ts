// Step 29: repositories outside of hosts, how services are backed up, and what restores and drills need of a backup.
export const BACKUP_REPOSITORIES = `
CREATE TABLE backup_repositories (
  id          TEXT PRIMARY KEY,
  name        TEXT NOT NULL,
  url         TEXT NOT NULL,                 -- without credentials
  customer_id TEXT REFERENCES customers (id) ON DELETE SET NULL, -- for this customer's services, unless they say otherwise
  plan_id     TEXT REFERENCES plans (id) ON DELETE SET NULL,     -- or for those of all customers on this plan
  known_hosts TEXT,
  sealed      BLOB NOT NULL,                 -- password, credentials, private key
  created_at  INTEGER NOT NULL,
  updated_at  INTEGER NOT NULL
) STRICT;
CREATE UNIQUE INDEX backup_repositories_by_customer ON backup_repositories (customer_id) WHERE customer_id IS NOT NULL;
CREATE UNIQUE INDEX backup_repositories_by_plan ON backup_repositories (plan_id) WHERE plan_id IS NOT NULL;

CREATE TABLE backup_settings (
  service_id    TEXT PRIMARY KEY REFERENCES services (id) ON DELETE CASCADE,
  repository_id TEXT REFERENCES backup_repositories (id) ON DELETE SET NULL,
  is_local      INTEGER NOT NULL,            -- on its host, whatever its customer or plan has
  sealed        BLOB NOT NULL,               -- JSON: a dump's command may hold a secret
  updated_at    INTEGER NOT NULL
) STRICT;
CREATE INDEX backup_settings_by_repository ON backup_settings (repository_id);

ALTER TABLE backups ADD COLUMN repository_id TEXT;  -- null: on its host
ALTER TABLE backups ADD COLUMN consistency TEXT;
ALTER TABLE backups ADD COLUMN dumps TEXT;          -- JSON list
ALTER TABLE backups ADD COLUMN drill TEXT;          -- JSON: how the last drill of it ended
ALTER TABLE backups ADD COLUMN sealed BLOB;         -- what its service was then; null: it was not kept
CREATE INDEX backups_by_repository ON backups (repository_id);
`;
