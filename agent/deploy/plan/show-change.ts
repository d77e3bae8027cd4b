// Plain data of compose files as people may see it: secrets hidden by value wherever they stand, and by the name they
// stand at. Pure.
import { isMap, textOf } from '#shared/compose/values.ts';
import type { FieldChange } from '#shared/protocol/deploy-parts.ts';
import { looksSecret, MASK } from '#shared/secret-names.ts';
import type { Hide } from '../../secrets/hide.ts';
import { portsText, type Change } from './diff.ts';

/** A list of ports or a command is readable up to here; who needs more compares the revisions themselves. */
const MAX_VALUE_CHARS = 500;

export function showChange({ key, name, before, after }: Change, hide: Hide): FieldChange {
  const field = name === undefined ? key : `${key}.${name}`;
  const show = (value: unknown) => (value === undefined ? null : showValue(key, name, value, hide));
  return { field, before: show(before), after: show(after) };
}

function showValue(key: string, name: string | undefined, value: unknown, hide: Hide): string {
  if (key === 'ports') return portsText(value);
  const shown = hideSecrets(value, hide, name ?? key);
  const text = isMap(shown) || Array.isArray(shown) ? JSON.stringify(shown) : textOf(shown);
  return text.length > MAX_VALUE_CHARS ? `${text.slice(0, MAX_VALUE_CHARS)}…` : text;
}

/** The same data with secrets hidden; `name` is what it stands at. */
export function hideSecrets(value: unknown, hide: Hide, name = ''): unknown {
  if (Array.isArray(value)) return value.map((item) => hideSecrets(item, hide));
  if (isMap(value)) {
    return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, hideSecrets(item, hide, key)]));
  }
  if (typeof value !== 'string' || value === '') return value;
  return looksSecret(name, value) ? MASK : hide(hideAssigned(value));
}

/** `--password=x` of a command, `PASSWORD=x` of a list. */
function hideAssigned(text: string): string {
  const [, name = '', value = ''] = /^-{0,2}([\w.-]+)=([\s\S]+)$/.exec(text) ?? [];
  return value !== '' && looksSecret(name, value) ? `${text.slice(0, -value.length)}${MASK}` : text;
}
