// What an effect was made on, read from the effect itself: every desk returns ids, in one of few shapes. Pure.

/** `{ serviceId, … }`, `{ id, … }` or `{ key: { id, … }, … }`; null when the effect names nothing. */
export function findTargetId(effect: unknown): string | null {
  const own = idOf(effect);
  if (own !== null || !isObject(effect)) return own;
  return (
    Object.values(effect)
      .map(idOf)
      .find((id) => id !== null) ?? null
  );
}

/** The job that does the rest. */
export const findJobId = (effect: unknown): string | null => (isObject(effect) ? textOf(effect['jobId']) : null);

const idOf = (value: unknown): string | null =>
  isObject(value) ? (textOf(value['id']) ?? textOf(value['serviceId'])) : null;

const isObject = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null;
const textOf = (value: unknown): string | null => (typeof value === 'string' ? value : null);
