// Step 8: users' own templates.
export const TEMPLATES = ``;
