// Drift as it may leave the host: values as text, secrets hidden by value and by name. Pure.
import type { ShownDrift } from '#shared/protocol/drift-parts.ts';
import { showChange } from '../deploy/plan/show-change.ts';
import type { Hide } from '../secrets/hide.ts';
import { placeOf, type DriftedField } from './compare.ts';
import type { Drift } from './drift.ts';

export const showDrift = (drift: Drift & { checkedAt: number }, hide: Hide): ShownDrift => ({
  state: drift.state,
  revision: drift.revision,
  checkedAt: drift.checkedAt,
  services: drift.services.map(({ fields, ...container }) => {
    return { ...container, fields: fields.map((field) => showField(field, hide)) };
  }),
  files: drift.files,
});

function showField(field: DriftedField, hide: Hide): ShownDrift['services'][number]['fields'][number] {
  const { expected, actual, ...place } = field;
  const { before, after } = showChange({ ...place, before: expected, after: actual }, hide);
  return { path: placeOf(field), expected: before, actual: after };
}
