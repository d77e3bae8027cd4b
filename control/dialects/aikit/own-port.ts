// Pure: the paths at the dialect's own port, which are those of its document.

const OWN = /^\/api(?=[/?]|$)/;

/** Where a path there lies at our first port. What is not below /api is nowhere. */
export const toOurUrl = (url: string): string => (OWN.test(url) ? `/aikit${url}` : `/aikit/api/-${url}`);
