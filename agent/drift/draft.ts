// The compose file that a service would have if what lives now were what is wanted. Looks, changes nothing.
import { createHash } from 'node:crypto';
import { LongshoreError } from '#shared/errors.ts';
import type { ServiceSpec } from '#shared/model.ts';
import type { DriftDraft } from '#shared/protocol/drift-parts.ts';
import { loadRevision } from '../deploy/revisions/revisions.ts';
import { Workspace } from '../deploy/workspace.ts';
import type { ServiceRecord } from '../state/services.ts';
import { adaptCompose } from './adapt.ts';
import { findDrift, type DriftDeps } from './drift.ts';
import type { Snapshot } from './snapshot.ts';

export interface DraftDeps extends DriftDeps {
  services: { find(id: string): ServiceRecord | undefined };
}

/** Throws `not_found`; `state_conflict` where there is nothing to accept or no file can say it. */
export async function draftFromLive(deps: DraftDeps, serviceId: string): Promise<DriftDraft> {
  const record = deps.services.find(serviceId);
  if (!record) throw new LongshoreError('not_found', { message: `This host does not know service "${serviceId}"` });
  const { spec, goodRevision } = record;
  requireOwnFile(spec);
  if (spec.revision !== goodRevision) {
    const details = `Revision ${goodRevision ?? 'none'} runs, revision ${spec.revision} is wanted: deploy it, or roll back.`;
    throw new LongshoreError('state_conflict', { message: `"${spec.name}" does not run what is wanted`, details });
  }
  const { live, state, services: drifted } = await findDrift(deps, record);
  const good = await loadRevision(new Workspace(deps.dataDir, spec.name), goodRevision);
  if (!good?.live || state === 'unknown') throw nothingKnown(spec);
  if (drifted.length === 0) {
    throw new LongshoreError('state_conflict', { message: `No container of "${spec.name}" has drifted` });
  }
  const facts = { drifted, live, expected: good.live, rendered: good.rendered };
  return { compose: adaptCompose(spec.compose, facts), digest: digestOf(live) };
}

/** Another digest is another state: somebody has been at the containers since. */
export const digestOf = (live: Snapshot): string => createHash('sha256').update(JSON.stringify(live)).digest('hex');

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
