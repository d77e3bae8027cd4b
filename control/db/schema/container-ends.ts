// Step 19: how a container ended that its host gave up on, with its last lines: what its event shows.
export const CONTAINER_ENDS = `
ALTER TABLE events ADD COLUMN container_end TEXT;  -- JSON object
`;
