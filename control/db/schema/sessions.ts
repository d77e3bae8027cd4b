// Step 5: sessions of people, and logins that have begun.
export const SESSIONS = ``;
