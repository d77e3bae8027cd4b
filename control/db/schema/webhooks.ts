// Step 6: webhook endpoints, the outbox, deliveries and their attempts.
export const WEBHOOKS = ``;
