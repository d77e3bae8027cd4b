// Whether a value may stand for a template's variable. Says what is wrong with it, never the value itself: it may be a
// secret, and the answer goes into logs and error bodies.
import { isIP } from 'node:net';
import { matchesWhole, type Effort } from './match-pattern.ts';
import type { Variable, VariableType } from './schema.ts';

/** Longer than any key or certificate one pastes; `.env` files have no business being larger. */
const MAX_VALUE_CHARS = 32_768;

const HOST = /^(?=.{1,253}$)([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)(\.[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)*$/i;
const EMAIL = /^[^\s@"'<>]{1,64}@[^\s@"'<>]{1,253}$/;
const NUMBER = /^-?\d{1,15}(\.\d{1,15})?$/;
/** C0 except tab and line feed, DEL, C1, line separators and bidirectional overrides. */
// oxlint-disable-next-line no-control-regex -- refusing them is the point
const CONTROL = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u2028\u2029\u202a-\u202e\u2066-\u2069]/;

/** Undefined when the value is fine, else the reason. `effort` is one for all values of a template. */
export function checkValue(variable: Variable, value: string, effort: Effort): string | undefined {
  if (value.length > MAX_VALUE_CHARS) return `is longer than ${MAX_VALUE_CHARS} characters`;
  if (CONTROL.test(value)) return 'holds a control character';
  if (value.includes('\n') && variable.type !== 'text') return 'must be one line';
  if (value === '') return variable.required ? 'is required' : undefined;
  return checkType(variable, value) ?? checkBounds(variable, value) ?? checkPattern(variable, value, effort);
}

const TYPE_CHECKS: Record<VariableType, { accepts: (value: string) => boolean; otherwise: string }> = {
  string: { accepts: () => true, otherwise: '' },
  text: { accepts: () => true, otherwise: '' },
  password: { accepts: () => true, otherwise: '' },
  integer: { accepts: (value) => /^-?\d{1,15}$/.test(value), otherwise: 'must be a whole number' },
  number: { accepts: (value) => NUMBER.test(value), otherwise: 'must be a number' },
  boolean: { accepts: (value) => value === 'true' || value === 'false', otherwise: 'must be "true" or "false"' },
  enum: { accepts: () => true, otherwise: '' }, // by its options, below
  email: { accepts: (value) => EMAIL.test(value), otherwise: 'must be an e-mail address' },
  url: { accepts: isWebUrl, otherwise: 'must be an http or https URL' },
  host: { accepts: (value) => HOST.test(value) || isIP(value) !== 0, otherwise: 'must be a host name or address' },
  ip: { accepts: (value) => isIP(value) !== 0, otherwise: 'must be an IP address' },
  port: { accepts: isPort, otherwise: 'must be a port from 1 to 65535' },
  timezone: { accepts: isTimezone, otherwise: 'must be an IANA time zone such as Europe/Berlin' },
};

function checkType(variable: Variable, value: string): string | undefined {
  const { accepts, otherwise } = TYPE_CHECKS[variable.type];
  if (!accepts(value)) return otherwise;
  if (!variable.options || variable.options.some((option) => option.value === value)) return undefined;
  return `must be one of ${variable.options.map((option) => option.value).join(', ')}`;
}

function checkBounds({ type, min, max }: Variable, value: string): string | undefined {
  const isNumber = type === 'integer' || type === 'number' || type === 'port';
  const size = isNumber ? Number(value) : value.length;
  const unit = isNumber ? '' : ' characters long';
  if (min !== undefined && size < min) return `must be at least ${min}${unit}`;
  if (max !== undefined && size > max) return `must be at most ${max}${unit}`;
  return undefined;
}

function checkPattern({ pattern, patternHint }: Variable, value: string, effort: Effort): string | undefined {
  if (pattern === undefined) return undefined;
  const matches = matchesWhole(pattern, value, effort);
  if (matches === undefined) return 'is too long for its pattern';
  return matches ? undefined : (patternHint ?? `must match ${pattern}`);
}

function isWebUrl(value: string): boolean {
  const url = URL.parse(value);
  return url !== null && ['http:', 'https:'].includes(url.protocol) && !/\s/.test(value);
}

function isPort(value: string): boolean {
  return /^[1-9]\d{0,4}$/.test(value) && Number(value) <= 65_535;
}

function isTimezone(value: string): boolean {
  try {
    // Offsets such as +01:00 pass here but are no zone a container knows by name.
    return (
      /^[A-Za-z]/.test(value) && new Intl.DateTimeFormat('en', { timeZone: value }).resolvedOptions() !== undefined
    );
  } catch {
    return false;
  }
}
