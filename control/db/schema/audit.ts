// Step 7: the audit log. Rows are only ever appended: `seq` has no hole, and `hash` covers the row and the hash before it
// (store/audit-chain.ts). meta.audit_head repeats the last seq and hash.
export const AUDIT = `
CREATE TABLE audit (
  seq         INTEGER PRIMARY KEY,
  id          TEXT NOT NULL,
  at          INTEGER NOT NULL,
  actor_kind  TEXT NOT NULL,                 -- key, session, system, anonymous
  actor_id    TEXT,                          -- of the key or session
  actor_name  TEXT,
  action      TEXT NOT NULL,                 -- services.create
  method      TEXT,
  path        TEXT,                          -- the route's pattern
  target_id   TEXT,
  fields      TEXT NOT NULL,                 -- JSON array: names of the body's fields, never their values
  customer_id TEXT,                          -- whose the target is: who bound to that customer may see the row
  host_id     TEXT,
  job_id      TEXT,
  address     TEXT,
  request_id  TEXT,
  user_agent  TEXT,
  result      TEXT NOT NULL,                 -- ok, refused, failed, replayed
  status      INTEGER,                       -- of the answer; null where the effect was on disk before it
  code        TEXT,
  omitted     INTEGER NOT NULL,              -- refusals since the last row that got none
  hash        TEXT NOT NULL
) STRICT;
CREATE INDEX audit_by_time ON audit (at);
CREATE INDEX audit_by_actor ON audit (actor_id, seq);
CREATE INDEX audit_by_action ON audit (action, seq);
CREATE INDEX audit_by_target ON audit (target_id, seq);
CREATE INDEX audit_by_customer ON audit (customer_id, seq);
CREATE INDEX audit_by_host ON audit (host_id, seq);
CREATE INDEX audit_by_result ON audit (result, seq);
`;
