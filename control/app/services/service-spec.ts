// What a host is told of a service when it is to deploy it: all that runs it while control is away.
import { LongshoreError } from '#shared/errors.ts';
import type { JobOffer } from '#shared/jobs.ts';
import type { ServiceSpec } from '#shared/model.ts';
import { MAX_FRAME_BYTES } from '#shared/protocol/limits.ts';
import type { Params } from '#shared/protocol/schema.ts';
import type { ServiceRecord, ServiceSource } from '../../store/records.ts';
import type { Stores } from '../../store/stores.ts';
import { literalSecretsOf } from './compose-secrets.ts';
import { loginsFor } from '../registries/registry-scope.ts';
import { fillShared } from '../variables/shared-variables.ts';

/** What surrounds an offer in its frame takes a few hundred bytes. */
const MAX_OFFER_BYTES = MAX_FRAME_BYTES - 16 * 1024;

/** Call inside a write: it notes which shared variables the service takes. */
export function specOf(
  stores: Stores,
  service: ServiceRecord,
  source: ServiceSource = stores.services.requireSource(service.id),
): ServiceSpec {
  const { spec, taken } = draftSpec(stores, service, source);
  stores.variables.setUses(service.id, taken);
  return spec;
}

/** What the host would be told of a service made from `source`, and the ids of the shared variables that are in it. */
export function draftSpec(
  stores: Stores,
  service: ServiceRecord,
  source: ServiceSource,
): { spec: ServiceSpec; taken: string[] } {
  const { compose, git, files, templateVersion, healthChecks } = source;
  const shared = fillShared({ ...source, method: service.method }, stores.variables.ofScope(service.customerId));
  const { variables, secretNames, offeredNames } = shared;
  const { id, name, customerId, revision, method, templateId, labels, rollbackOnFailure, healthTimeoutS, setId } =
    service;
  const template = templateId === null ? null : { id: templateId, version: templateVersion ?? 1 };
  const spec = {
    id,
    name,
    customerId,
    revision,
    method,
    compose,
    variables,
    secretNames,
    literalSecrets: [...literalSecretsOf(compose), ...shared.secrets],
    ...(offeredNames.length > 0 && { offeredNames }),
    template,
    files,
    labels,
    rollbackOnFailure,
    healthTimeoutS,
    ...(git && { git }),
    limits: service.limits,
    ...(healthChecks && { healthChecks }),
    ...(setId !== null && { setId }),
    // An AI deploy builds a stranger's files: they must not fetch what our logins can read.
    registries: method === 'ai' ? [] : loginsFor(compose, stores.registries.loginsOf(customerId)),
  };
  return { spec, taken: shared.taken };
}

/** A command that does not fit into a frame would hold up all that come after it. Throws validation_error. */
export function requireSendable(offer: JobOffer | Params<'service.plan'>): void {
  if (Buffer.byteLength(JSON.stringify(offer)) <= MAX_OFFER_BYTES) return;
  const most = `${MAX_OFFER_BYTES / 1024} KiB`;
  const problem = `with the compose text, files and shared variables they take, they must stay below ${most}`;
  throw new LongshoreError('validation_error', { fields: { variables: problem } });
}
