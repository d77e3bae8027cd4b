// Step 22: what is still to be done about a host after it or control came back with an older memory.
export const HOST_RECOVERY = `
ALTER TABLE hosts ADD COLUMN is_to_relist INTEGER NOT NULL DEFAULT 0;    -- its services have to be seen anew
ALTER TABLE hosts ADD COLUMN forgotten_up_to INTEGER NOT NULL DEFAULT 0; -- its events up to here may be of what is unknown here
`;
