// Step 3: registry credentials.
export const REGISTRIES = `
CREATE TABLE registries (
  id          TEXT PRIMARY KEY,
  name        TEXT NOT NULL,
  server      TEXT NOT NULL,                 -- host[:port] as image names have it
  username    TEXT NOT NULL,
  sealed      BLOB NOT NULL,                 -- the password
  customer_id TEXT REFERENCES customers (id) ON DELETE CASCADE, -- null: for the operator's services
  created_at  INTEGER NOT NULL,
  updated_at  INTEGER NOT NULL
) STRICT;
CREATE UNIQUE INDEX registries_by_scope ON registries (ifnull(customer_id, ''), server);
CREATE INDEX registries_by_customer ON registries (customer_id);
`;
