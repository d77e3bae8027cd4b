// Step 8: users' own templates. Ids share one name space with the catalogue, so that a service's `template` says which.
export const TEMPLATES = `
CREATE TABLE templates (
  id          TEXT PRIMARY KEY,
  customer_id TEXT REFERENCES customers (id) ON DELETE CASCADE, -- null: for everybody
  name        TEXT NOT NULL,
  tagline     TEXT NOT NULL,
  category    TEXT NOT NULL,
  version     INTEGER NOT NULL,
  is_imported INTEGER NOT NULL,
  document    TEXT NOT NULL,                 -- JSON, the whole of it
  created_at  INTEGER NOT NULL,
  updated_at  INTEGER NOT NULL
) STRICT;
CREATE INDEX templates_by_customer ON templates (customer_id, id);
`;
