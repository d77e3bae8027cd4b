// Step 16: which containers an adoption takes over, for as long as its job is kept.
export const ADOPTIONS = `
CREATE TABLE adoptions (
  job_id     TEXT PRIMARY KEY REFERENCES jobs (id) ON DELETE CASCADE,
  containers TEXT NOT NULL                 -- JSON AdoptedContainer[]
) STRICT, WITHOUT ROWID;
`;
