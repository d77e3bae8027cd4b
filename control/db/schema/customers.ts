// Step 2: customers, their plans, and what of a plan a service holds.
export const CUSTOMERS = `
CREATE TABLE plans (
  id          TEXT PRIMARY KEY,
  name        TEXT NOT NULL UNIQUE,
  description TEXT,
  services    INTEGER,                       -- each limit: null is none
  cpu         REAL,                          -- cores
  memory_mb   INTEGER,
  storage_mb  INTEGER,
  created_at  INTEGER NOT NULL,
  updated_at  INTEGER NOT NULL
) STRICT;

CREATE TABLE customers (
  id           TEXT PRIMARY KEY,
  name         TEXT NOT NULL,
  email        TEXT,
  plan_id      TEXT REFERENCES plans (id),
  suspended_at INTEGER,                      -- null: active
  created_at   INTEGER NOT NULL,
  updated_at   INTEGER NOT NULL
) STRICT;
CREATE INDEX customers_by_name ON customers (name, id);
CREATE INDEX customers_by_created ON customers (created_at, id);
CREATE INDEX customers_by_updated ON customers (updated_at, id);
CREATE INDEX customers_by_plan ON customers (plan_id);

ALTER TABLE services ADD COLUMN cpu_limit REAL;               -- cores for all its containers; null is none
ALTER TABLE services ADD COLUMN memory_limit_mb INTEGER;
ALTER TABLE services ADD COLUMN suspended_from TEXT;          -- running or deploying: what resuming its customer brings back
ALTER TABLE jobs ADD COLUMN cause TEXT;                       -- why, where nobody asked for this very job
`;
