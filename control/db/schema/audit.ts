// Step 7: the audit log.
export const AUDIT = ``;
