// How many of a thing, in words: "1 restart", "2 restarts".

export const count = (number: number, thing: string): string => `${number} ${thing}${number === 1 ? '' : 's'}`;
