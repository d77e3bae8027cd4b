// Texts of an import as plain data, within limits. All throw `template_invalid`.
import { LongshoreError } from '#shared/errors.ts';
import { COMPOSE_LIMITS, parseYamlMap } from '#shared/compose/parse.ts';
import { ONLY, type Texts, unreadable } from './conversion.ts';

/** Numbers stay as they were written, so that they can be written again. */
export function readYaml(text: string): Record<string, unknown> {
  try {
    return parseYamlMap(text, { keepsDigits: true });
  } catch (error) {
    if (!(error instanceof LongshoreError)) throw error;
    throw unreadable(error.details ?? error.message, error);
  }
}

/** What works on it walks down by itself, so its depth has the limit of a compose file. */
export function readJson(text: string, name: string): unknown {
  const value = parse(text, name);
  if (isDeeperThan(value, COMPOSE_LIMITS.depth))
    throw unreadable(`${name} is nested deeper than ${COMPOSE_LIMITS.depth}`);
  return value;
}

function parse(text: string, name: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw unreadable(`${name} is not valid JSON`, error);
  }
}

const isDeeperThan = (value: unknown, limit: number): boolean => {
  if (typeof value !== 'object' || value === null) return false;
  return limit === 0 || Object.values(value).some((item) => isDeeperThan(item, limit - 1));
};

/** The text of the first of these names, else the only text. */
export const pickText = (texts: Texts, ...names: string[]): string | undefined =>
  texts[names.find((name) => name in texts) ?? ONLY];
