// Step 3: registry credentials.
export const REGISTRIES = ``;
