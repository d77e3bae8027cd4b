// Step 17: what the names of fields do not tell, of the few acts where that is what matters: the command of an exec.
export const AUDIT_DETAIL = `
ALTER TABLE audit ADD COLUMN detail TEXT;    -- JSON object; in the hash of a row where it is not null
`;
