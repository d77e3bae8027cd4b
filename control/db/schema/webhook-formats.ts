// In which words a webhook is told: Standard Webhooks, or those of a dialect that made it.
export const WEBHOOK_FORMATS = `
ALTER TABLE webhooks ADD COLUMN format TEXT NOT NULL DEFAULT 'standard';
`;
