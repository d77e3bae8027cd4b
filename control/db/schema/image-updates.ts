// Step 13: newer images at the registries, and services that take them by themselves.
export const IMAGE_UPDATES = `
ALTER TABLE services ADD COLUMN auto_update TEXT;         -- JSON AutoUpdate; null: somebody has to ask
ALTER TABLE services ADD COLUMN update_available INTEGER; -- null: not known
CREATE INDEX services_by_update ON services (update_available, id) WHERE update_available = 1;

-- The host's last word on the images of a service.
CREATE TABLE service_updates (
  service_id    TEXT PRIMARY KEY REFERENCES services (id) ON DELETE CASCADE,
  images        TEXT NOT NULL,                            -- JSON ImageCheck[]
  checked_at    INTEGER NOT NULL,
  told          TEXT NOT NULL,                            -- JSON, image → newest digest the timeline has a line about
  held          TEXT NOT NULL DEFAULT '{}',               -- JSON, image → digest not to be taken by itself
  held_revision INTEGER                                   -- the deploy that had them: a later good one lets go of them
) STRICT, WITHOUT ROWID;
`;
