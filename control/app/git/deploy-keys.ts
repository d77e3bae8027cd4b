// Makes the keys that services reach their repositories with by ssh. The private part goes to the service's source and
// from there to its host, and is shown to nobody.
import { LongshoreError } from '#shared/errors.ts';
import { sshPlaceOf } from '#shared/git-source.ts';
import type { ServiceRecord, ServiceSource } from '../../store/records.ts';
import type { Stores } from '../../store/stores.ts';
import type { Access } from '../access/access.ts';
import type { Caller } from '../api/caller.ts';
import type { DeployKeys } from '../api/deploy-keys.ts';
import { makeDeployKey } from './deploy-key.ts';
import type { IdempotencyDesk } from '../idempotency.ts';
import { requireNoSet } from '../sets/member-guard.ts';

export interface DeployKeyDeps {
  stores: Stores;
  access: Access;
  effects: IdempotencyDesk;
}

export class DeployKeyDesk implements DeployKeys {
  readonly #deps: DeployKeyDeps;

  constructor(deps: DeployKeyDeps) {
    this.#deps = deps;
  }

  async create(caller: Caller, serviceId: string): Promise<{ publicKey: string }> {
    const { stores, access, effects } = this.#deps;
    const { publicKey } = await effects.perform(() => {
      const { name, setId } = access.requireService(caller, serviceId);
      requireNoSet({ name, setId }, 'given a key');
      const made = makeDeployKey(`longshore-${name}`);
      return () => {
        const service = access.requireService(caller, serviceId);
        const { git, ...source } = requireBySsh(service, stores.services.requireSource(serviceId));
        stores.services.setSource(serviceId, { ...source, git: { ...git, deployKey: made.privateKey } });
        return { serviceId, publicKey: made.publicKey };
      };
    });
    return { publicKey };
  }
}

function requireBySsh(
  { name, method }: ServiceRecord,
  source: ServiceSource,
): Required<Pick<ServiceSource, 'git'>> & ServiceSource {
  const { git } = source;
  if (git && sshPlaceOf(git.url)) return { ...source, git };
  const problem = git ? 'is fetched by https, which takes a git_token' : `is made from ${method}, not from Git`;
  throw new LongshoreError('state_conflict', { message: `Service "${name}" ${problem}` });
}
