// Step 5: sessions of people, and logins that have begun.
export const SESSIONS = `
CREATE TABLE sessions (
  id           TEXT PRIMARY KEY,
  secret_hash  TEXT NOT NULL UNIQUE,
  issuer       TEXT NOT NULL,                -- a subject is unique at its issuer only
  subject      TEXT NOT NULL,
  name         TEXT NOT NULL,
  email        TEXT,
  permissions  TEXT NOT NULL,                -- JSON array, as the login gave them
  customer_id  TEXT,
  sealed       BLOB NOT NULL,                -- the ID token, which the provider's logout asks for
  address      TEXT NOT NULL,
  user_agent   TEXT,
  created_at   INTEGER NOT NULL,
  expires_at   INTEGER NOT NULL,
  last_used_at INTEGER NOT NULL
) STRICT;
CREATE INDEX sessions_by_age ON sessions (created_at, id);
CREATE INDEX sessions_by_person ON sessions (issuer, subject, created_at, id);
CREATE INDEX sessions_by_end ON sessions (expires_at);
CREATE INDEX sessions_by_use ON sessions (last_used_at);

-- Looked through every few seconds for those whose time is over.
CREATE INDEX api_keys_by_end ON api_keys (expires_at) WHERE expires_at IS NOT NULL;

-- A row is one use of one state, by the browser that asked for it.
CREATE TABLE login_attempts (
  state_hash   TEXT PRIMARY KEY,
  browser_hash TEXT NOT NULL,
  sealed       BLOB NOT NULL,                -- nonce and PKCE verifier
  return_to    TEXT NOT NULL,
  created_at   INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX login_attempts_by_age ON login_attempts (created_at);
`;
