// Step 4: variables that several services share.
export const VARIABLES = `
CREATE TABLE variables (
  id          TEXT PRIMARY KEY,
  customer_id TEXT REFERENCES customers (id) ON DELETE CASCADE, -- null: for the operator's services
  name        TEXT NOT NULL,
  is_secret   INTEGER NOT NULL,
  description TEXT,
  sealed      BLOB NOT NULL,                 -- the value
  created_at  INTEGER NOT NULL,
  updated_at  INTEGER NOT NULL
) STRICT;
CREATE UNIQUE INDEX variables_by_scope ON variables (ifnull(customer_id, ''), name);
CREATE INDEX variables_by_customer ON variables (customer_id);

-- Which services took it with their latest deploy.
CREATE TABLE variable_uses (
  variable_id TEXT NOT NULL REFERENCES variables (id) ON DELETE CASCADE,
  service_id  TEXT NOT NULL REFERENCES services (id) ON DELETE CASCADE,
  PRIMARY KEY (variable_id, service_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX variable_uses_by_service ON variable_uses (service_id);
`;
