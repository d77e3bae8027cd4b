// Step 15: services that only some files of their repository concern.
export const GIT_WATCHES = `
CREATE TABLE git_watches (
  service_id TEXT PRIMARY KEY REFERENCES services (id) ON DELETE CASCADE,
  patterns   TEXT NOT NULL                   -- JSON string[]
) STRICT, WITHOUT ROWID;
`;
