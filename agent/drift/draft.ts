// The compose file that a service would have if what lives now were what is wanted. Looks, changes nothing.
import { LongshoreError } from '#shared/errors.ts';
import type { ServiceSpec } from '#shared/model.ts';
import type { DriftDraft } from '#shared/protocol/drift-parts.ts';
import type { Revision } from '../deploy/revisions/revisions.ts';
import type { ServiceRecord } from '../state/services.ts';
import { adaptCompose } from './adapt.ts';
import { findDrift, type DriftDeps } from './drift.ts';

export interface DraftDeps extends DriftDeps {
  services: { find(id: string): ServiceRecord | undefined };
}

/** Throws `not_found`; `state_conflict` where there is nothing to accept or no file can say it. */
export async function draftFromLive(deps: DraftDeps, serviceId: string): Promise<DriftDraft> {
  const record = deps.services.find(serviceId);
  if (!record) throw new LongshoreError('not_found', { message: `This host does not know service "${serviceId}"` });
  const { compose } = await draftAccepted(deps, record);
  return { compose };
}

/** With the revision that it starts from. */
export async function draftAccepted(
  deps: DriftDeps,
  { spec, goodRevision }: Pick<ServiceRecord, 'spec' | 'goodRevision'>,
): Promise<{ compose: string; good: Revision }> {
  requireOwnFile(spec);
  const { live, good, services: drifted } = await findDrift(deps, { spec, goodRevision });
  if (!good?.live) throw nothingKnown(spec);
  if (drifted.length === 0) {
    throw new LongshoreError('state_conflict', { message: `No container of "${spec.name}" has drifted` });
  }
  const facts = { drifted, live, expected: good.live, rendered: good.rendered };
  return { compose: adaptCompose(good.sources.compose, facts), good };
}

function requireOwnFile({ name, method }: ServiceSpec): void {
  if (method === 'compose') return;
  const owner = method === 'template' ? 'its template' : 'its repository';
  throw new LongshoreError('state_conflict', {
    message: `The file of "${name}" belongs to ${owner}: what lives now cannot be accepted into it`,
    details: `Change it ${method === 'template' ? 'by the variables of the service' : 'there and redeploy'}, or revert.`,
  });
}

export const nothingKnown = ({ name }: Pick<ServiceSpec, 'name'>): LongshoreError =>
  new LongshoreError('state_conflict', {
    message: `Nobody knows how the containers of "${name}" were set up`,
    details: 'Redeploy it; from then on drift is found.',
  });
