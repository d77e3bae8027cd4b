// Step 10: what each revision of a service was made from, so that a rollback also changes what is wanted.
export const REVISIONS = `
CREATE TABLE service_revisions (
  service_id      TEXT NOT NULL REFERENCES services (id) ON DELETE CASCADE,
  revision        INTEGER NOT NULL,
  job_id          TEXT NOT NULL,             -- that makes it; may be forgotten
  kind            TEXT NOT NULL,             -- of that job
  cause           TEXT,                      -- why, where nobody asked for it
  made_by         TEXT,                      -- name of the key or person; null: nobody asked for it
  rollback_of     INTEGER,                   -- the revision it puts back
  cpu_limit       REAL,
  memory_limit_mb INTEGER,
  sealed          BLOB NOT NULL,             -- compose, variables, files
  recorded_at     INTEGER,                   -- null: its job has not ended
  PRIMARY KEY (service_id, revision)
) STRICT;
CREATE INDEX service_revisions_by_job ON service_revisions (job_id);
`;
