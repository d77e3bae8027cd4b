// Step 11: push hooks of services from Git.
export const GIT_HOOKS = `
CREATE TABLE git_hooks (
  service_id TEXT PRIMARY KEY REFERENCES services (id) ON DELETE CASCADE,
  sealed     BLOB NOT NULL,                  -- the secret: some hosts of repositories sign with it
  is_waiting INTEGER NOT NULL DEFAULT 0      -- a push came while a job was under way
) STRICT, WITHOUT ROWID;
`;
