/** As Docker shows sizes of images. */
export const inMegabytes = (bytes: number): string => `${(bytes / 1e6).toFixed(1)}MB`;
