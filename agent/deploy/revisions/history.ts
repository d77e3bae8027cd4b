// What this host can tell of the revisions it keeps. Secrets of the service, those of now and of before, are hidden.
import { LongshoreError } from '#shared/errors.ts';
import type { RevisionSummary, ServiceChange } from '#shared/protocol/deploy-parts.ts';
import { hideIn, type Hide } from '../../secrets/hide.ts';
import type { SecretSource } from '../../secrets/mask.ts';
import type { ServiceRecord } from '../../state/services.ts';
import { changesOf, type Change } from '../plan/diff.ts';
import { listRevisions, loadRevision, type Revision, type RevisionMeta } from './revisions.ts';
import { hideSecrets, showChange } from '../plan/show-change.ts';
import { Workspace } from '../workspace.ts';

/** Below a frame's limit with room to spare; a rendered file is a few times the size of its source. */
const MAX_COMPOSE_CHARS = 512 * 1024;

export interface HistoryDeps {
  dataDir: string;
  services: Pick<SecretSource, 'secretsOf'> & { find(id: string): ServiceRecord | undefined };
}

export class History {
  readonly #deps: HistoryDeps;

  constructor(deps: HistoryDeps) {
    this.#deps = deps;
  }

  /** Throws `not_found` for a service this host does not know. */
  async list(serviceId: string): Promise<{ current: number | null; revisions: RevisionSummary[] }> {
    const { record, workspace } = this.#open(serviceId);
    const metas = await listRevisions(workspace);
    const own = metas.filter((meta) => meta.serviceId === serviceId); // not of a namesake that was removed
    return { current: record.goodRevision, revisions: own.map(toSummary) };
  }

  /** Throws `not_found`, `yaml_resource_limit` for a file that is too large to be told. */
  async show(serviceId: string, revision: number): Promise<{ revision: RevisionSummary; compose: string }> {
    const { meta, rendered } = await this.#load(serviceId, revision);
    const { default: yaml } = await import('yaml'); // CommonJS: a bundle has no other names of it
    const compose = yaml.stringify(hideSecrets(rendered, this.#hide(serviceId)), { aliasDuplicateObjects: false });
    if (compose.length <= MAX_COMPOSE_CHARS) return { revision: toSummary(meta), compose };
    const details = `The compose file of revision ${revision} has ${compose.length} characters`;
    throw new LongshoreError('yaml_resource_limit', { details });
  }

  async compare(serviceId: string, from: number, to: number): Promise<{ services: ServiceChange[] }> {
    const [before, after] = await Promise.all([this.#load(serviceId, from), this.#load(serviceId, to)]);
    return { services: compareRevisions(before, after, this.#hide(serviceId)) };
  }

  async #load(serviceId: string, number: number): Promise<Revision> {
    const { workspace } = this.#open(serviceId);
    const revision = await loadRevision(workspace, number);
    if (revision?.meta.serviceId === serviceId) return revision;
    const kept = (await listRevisions(workspace)).map((meta) => meta.revision);
    throw new LongshoreError('not_found', {
      message: `The host does not keep revision ${number} of "${workspace.name}"`,
      details: `It keeps ${kept.join(', ') || 'none'}`,
    });
  }

  #open(serviceId: string): { record: ServiceRecord; workspace: Workspace } {
    const record = this.#deps.services.find(serviceId);
    if (record) return { record, workspace: new Workspace(this.#deps.dataDir, record.spec.name) };
    throw new LongshoreError('not_found', { message: `This host does not know service "${serviceId}"` });
  }

  #hide(serviceId: string): Hide {
    return hideIn(this.#deps.services.secretsOf(serviceId));
  }
}

const toSummary = (meta: RevisionMeta): RevisionSummary => ({
  revision: meta.revision,
  jobId: meta.jobId,
  recordedAt: meta.recordedAt,
  commit: meta.commit ?? null,
  rollbackOf: meta.rollbackOf ?? null,
  variablesHash: meta.variablesHash,
  images: Object.entries(meta.images).map(([service, { reference, id, digests }]) => {
    return { service, reference, id, digests };
  }),
});

/** Compose services by name; an image that was built or pulled anew under the same name is a change too. */
function compareRevisions(before: Revision, after: Revision, hide: Hide): ServiceChange[] {
  const names = new Set([...Object.keys(before.rendered.services), ...Object.keys(after.rendered.services)]);
  return [...names].toSorted().map((service) => {
    const [old, now] = [before.rendered.services[service], after.rendered.services[service]];
    if (!old || !now) return { service, change: old ? 'removed' : 'added', fields: [] };
    const changes = [...changesOf(old, now), ...imageChange(service, before.meta, after.meta)];
    const fields = changes.map((change) => showChange(change, hide));
    return { service, change: fields.length === 0 ? 'same' : 'changed', fields };
  });
}

function imageChange(service: string, before: RevisionMeta, after: RevisionMeta): Change[] {
  const [old, now] = [before.images[service]?.id, after.images[service]?.id];
  return old === now ? [] : [{ key: 'image_id', before: old, after: now }];
}
