// Step 14: services whose deploys somebody reviews first, and what waits.
export const REVIEWS = `
CREATE TABLE reviews (
  service_id   TEXT PRIMARY KEY REFERENCES services (id) ON DELETE CASCADE,
  is_wanted    INTEGER NOT NULL DEFAULT 0,   -- every deploy stops at its plan
  proposal     TEXT,                         -- JSON: names what waits on the host
  approved_id  TEXT,                         -- of the last that was approved
  approved_job TEXT                          -- that deploys it; may be gone
) STRICT, WITHOUT ROWID;
`;
