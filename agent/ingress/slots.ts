// In which files it stands where a name leads; see targets.ts. Pure.

/** Requests go round them: containers beyond so many answer to none. */
export const SLOTS: readonly number[] = [0, 1, 2, 3, 4, 5, 6, 7];

export const targetFile = (hostname: string, slot: number): string => `${hostname}.${slot}`;
