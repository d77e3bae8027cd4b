// Step 4: variables that several services share.
export const VARIABLES = ``;
