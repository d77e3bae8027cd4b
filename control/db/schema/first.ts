// Step 1: hosts, services, jobs, keys. Released: never edited again.
export const FIRST = `
CREATE TABLE meta (
  key   TEXT PRIMARY KEY,
  value TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE hosts (
  id             TEXT PRIMARY KEY,
  name           TEXT NOT NULL,
  agent_key      TEXT NOT NULL UNIQUE,
  labels         TEXT NOT NULL,              -- JSON object
  facts          TEXT,                       -- JSON HostFacts
  remote_address TEXT,
  boot_id        TEXT,
  epoch          INTEGER NOT NULL DEFAULT 1, -- lower ones are refused by the host
  command_seq    INTEGER NOT NULL DEFAULT 0, -- last number given to a command
  acked_seq      INTEGER NOT NULL DEFAULT 0, -- last command the host has on disk
  event_seq      INTEGER NOT NULL DEFAULT 0, -- last event committed here
  created_at     INTEGER NOT NULL,
  last_seen_at   INTEGER,
  revoked_at     INTEGER
) STRICT;
CREATE INDEX hosts_by_name ON hosts (name, id);

CREATE TABLE join_tokens (
  id            TEXT PRIMARY KEY,
  secret_hash   TEXT NOT NULL,
  labels        TEXT NOT NULL,
  max_uses      INTEGER NOT NULL,
  address_range TEXT,
  created_by    TEXT NOT NULL,
  created_at    INTEGER NOT NULL,
  expires_at    INTEGER NOT NULL
) STRICT;

-- One row a (token, key): calling again with both is no second use.
CREATE TABLE token_uses (
  token_id  TEXT NOT NULL REFERENCES join_tokens (id) ON DELETE CASCADE,
  agent_key TEXT NOT NULL,
  host_id   TEXT NOT NULL,
  at        INTEGER NOT NULL,
  PRIMARY KEY (token_id, agent_key)
) STRICT, WITHOUT ROWID;

CREATE TABLE api_keys (
  id           TEXT PRIMARY KEY,
  name         TEXT NOT NULL,
  hint         TEXT NOT NULL,
  secret_hash  TEXT NOT NULL UNIQUE,
  permissions  TEXT NOT NULL,                -- JSON array
  customer_id  TEXT,
  host_labels  TEXT,
  rate_limit   INTEGER,
  created_at   INTEGER NOT NULL,
  expires_at   INTEGER,
  last_used_at INTEGER
) STRICT;
CREATE INDEX api_keys_by_age ON api_keys (created_at, id);

CREATE TABLE services (
  id                  TEXT PRIMARY KEY,
  name                TEXT NOT NULL,
  display_name        TEXT,
  category            TEXT,
  lifecycle           TEXT NOT NULL,
  health              TEXT NOT NULL,
  is_enabled          INTEGER NOT NULL,
  reason              TEXT,
  customer_id         TEXT,
  host_id             TEXT NOT NULL REFERENCES hosts (id),
  method              TEXT NOT NULL,
  template_id         TEXT,
  labels              TEXT NOT NULL,
  revision            INTEGER NOT NULL,
  rollback_on_failure INTEGER NOT NULL,
  health_timeout_s    INTEGER NOT NULL,
  created_at          INTEGER NOT NULL,
  updated_at          INTEGER NOT NULL,
  deployed_at         INTEGER,
  report              TEXT                   -- JSON ServiceReport, the host's last word
) STRICT;
CREATE UNIQUE INDEX services_by_host ON services (host_id, name);
CREATE INDEX services_by_name ON services (name, id);
CREATE INDEX services_by_status ON services (lifecycle, id);
CREATE INDEX services_by_created ON services (created_at, id);
CREATE INDEX services_by_updated ON services (updated_at, id);
-- A filter together with each order, or a page of a large list would sort everything that matches.
CREATE INDEX services_by_status_name ON services (lifecycle, name, id);
CREATE INDEX services_by_status_created ON services (lifecycle, created_at, id);
CREATE INDEX services_by_status_updated ON services (lifecycle, updated_at, id);
CREATE INDEX services_by_customer_name ON services (customer_id, name, id);
CREATE INDEX services_by_customer_status ON services (customer_id, lifecycle, id);
CREATE INDEX services_by_customer_created ON services (customer_id, created_at, id);
CREATE INDEX services_by_customer_updated ON services (customer_id, updated_at, id);

-- Apart from services, so that a list never pages through compose files.
CREATE TABLE service_specs (
  service_id TEXT PRIMARY KEY REFERENCES services (id) ON DELETE CASCADE,
  sealed     BLOB NOT NULL                   -- compose, variables, files
) STRICT;

-- What was removed on request: the only thing that makes a host forget a service.
CREATE TABLE tombstones (
  service_id TEXT PRIMARY KEY,
  host_id    TEXT NOT NULL,
  revision   INTEGER NOT NULL,
  at         INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE jobs (
  id             TEXT PRIMARY KEY,
  service_id     TEXT NOT NULL,              -- outlives the service
  service_name   TEXT NOT NULL,
  customer_id    TEXT,
  host_id        TEXT NOT NULL,
  kind           TEXT NOT NULL,
  state          TEXT NOT NULL,
  pull           TEXT,
  expires_at     INTEGER,
  error          TEXT,
  failed_step    TEXT,
  plan           TEXT,
  rolled_back_to INTEGER,
  is_unchanged   INTEGER NOT NULL DEFAULT 0,
  created_at     INTEGER NOT NULL,
  started_at     INTEGER,
  finished_at    INTEGER
) STRICT;
CREATE INDEX jobs_by_age ON jobs (created_at, id);
CREATE INDEX jobs_by_service ON jobs (service_id, created_at, id);
CREATE INDEX jobs_by_state ON jobs (state, created_at, id);
CREATE INDEX jobs_open_by_service ON jobs (service_id, created_at) WHERE finished_at IS NULL;
CREATE INDEX jobs_open_by_host ON jobs (host_id, created_at) WHERE finished_at IS NULL;

CREATE TABLE job_steps (
  job_id      TEXT NOT NULL REFERENCES jobs (id) ON DELETE CASCADE,
  step        TEXT NOT NULL,
  state       TEXT NOT NULL,
  message     TEXT,
  started_at  INTEGER NOT NULL,
  finished_at INTEGER,
  PRIMARY KEY (job_id, step)
) STRICT;

CREATE TABLE job_log (
  id      INTEGER PRIMARY KEY,
  job_id  TEXT NOT NULL REFERENCES jobs (id) ON DELETE CASCADE,
  at      INTEGER NOT NULL,
  step    TEXT NOT NULL,
  message TEXT NOT NULL
) STRICT;
CREATE INDEX job_log_by_job ON job_log (job_id, id);

CREATE TABLE events (
  id         TEXT PRIMARY KEY,
  service_id TEXT,
  host_id    TEXT,
  job_id     TEXT,                           -- whose end this is
  type       TEXT NOT NULL,
  status     TEXT NOT NULL,
  message    TEXT NOT NULL,
  at         INTEGER NOT NULL
) STRICT;
CREATE INDEX events_by_service ON events (service_id, at, id);
CREATE INDEX events_by_host ON events (host_id, at, id);
CREATE INDEX events_by_age ON events (at);
CREATE UNIQUE INDEX events_by_job ON events (job_id) WHERE job_id IS NOT NULL; -- a job ends once

-- Commands the host has not acknowledged yet.
CREATE TABLE commands (
  host_id TEXT NOT NULL REFERENCES hosts (id),
  seq     INTEGER NOT NULL,
  job_id  TEXT,                              -- whose end a refusal is
  sealed  BLOB NOT NULL,
  PRIMARY KEY (host_id, seq)
) STRICT;

CREATE TABLE idempotency (
  key_id      TEXT NOT NULL,
  key         TEXT NOT NULL,
  fingerprint TEXT NOT NULL,
  effect      BLOB NOT NULL,                 -- sealed: what the first attempt did
  answer      BLOB,                          -- sealed: what it was answered; null until it was
  created_at  INTEGER NOT NULL,
  PRIMARY KEY (key_id, key)
) STRICT;
CREATE INDEX idempotency_by_age ON idempotency (created_at);
`;
