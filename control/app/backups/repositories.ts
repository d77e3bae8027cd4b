// Repositories outside of hosts: for a customer's services, for those on a plan, or for whichever are set to one. Only who
// runs the fleet makes them: hosts log in where the URL says.
import { randomBytes } from 'node:crypto';
import { isAddress, isCallable } from '#shared/address.ts';
import { CREDENTIAL_NAMES, parseRepositoryUrl, type RepositoryPlace } from '#shared/backup-url.ts';
import { LongshoreError } from '#shared/errors.ts';
import { newId } from '#shared/ids.ts';
import type { Clock } from '#shared/time.ts';
import type { RepositorySecrets } from '../../store/backup-repositories.ts';
import type { BackupRepositoryRecord } from '../../store/customer-records.ts';
import type { Stores } from '../../store/stores.ts';
import type { Access } from '../access/access.ts';
import type {
  BackupRepositories,
  BackupRepository,
  BackupRepositoryChange,
  BackupRepositoryQuery,
  NewBackupRepository,
} from '../api/backup-repositories.ts';
import type { Caller } from '../api/caller.ts';
import type { Page } from '../api/page.ts';
import type { HostLinks } from '../hosts/host-links.ts';
import type { IdempotencyDesk } from '../idempotency.ts';
import { spreadSettings } from './spread.ts';

const PASSWORD_BYTES = 32;

export interface BackupRepositoryDeps {
  stores: Stores;
  access: Access;
  effects: IdempotencyDesk;
  links: Pick<HostLinks, 'nudge'>;
  clock: Clock;
}

export class BackupRepositoryDesk implements BackupRepositories {
  readonly #deps: BackupRepositoryDeps;

  constructor(deps: BackupRepositoryDeps) {
    this.#deps = deps;
  }

  list(caller: Caller, query: BackupRepositoryQuery): Page<BackupRepository> {
    const only = caller.customerId ?? undefined;
    return {
      ...this.#deps.stores.backupRepositories.list({ ...query, only }),
      page: query.page,
      perPage: query.perPage,
    };
  }

  require(caller: Caller, id: string): BackupRepository {
    return this.#deps.access.requireBackupRepository(caller, id);
  }

  create(caller: Caller, input: NewBackupRepository): Promise<BackupRepository & { madePassword: string | null }> {
    const { stores, access, effects, links, clock } = this.#deps;
    return effects.perform(() => {
      access.requireFleetOperator(caller, 'make repositories for backups');
      const place = requirePlace(input.url);
      const password = input.password ?? randomBytes(PASSWORD_BYTES).toString('base64url');
      const secrets = requireSecrets(place, { password, env: input.credentials ?? {}, privateKey: input.privateKey });
      requireHostKey(place, input.knownHosts);
      const now = clock.now();
      const { name = place.url, knownHosts = null, customerId = null, planId = null } = input;
      const owner = { customerId, planId, knownHosts };
      const made = { id: newId('rep', now), name, url: place.url, ...owner, createdAt: now, updatedAt: now };
      return (tx) => {
        this.#requireScope(made);
        stores.backupRepositories.insert(made, secrets);
        const hosts = spreadSettings(stores, stores.backupRepositories.serviceIdsOf(made));
        tx.afterCommit(() => hosts.forEach((id) => links.nudge(id)));
        return { ...made, madePassword: input.password === undefined ? password : null };
      };
    });
  }

  update(caller: Caller, id: string, change: BackupRepositoryChange): Promise<BackupRepository> {
    const { stores, access, effects, links, clock } = this.#deps;
    return effects.perform(() => (tx) => {
      access.requireFleetOperator(caller, 'change repositories for backups');
      const known = access.requireBackupRepository(caller, id);
      const place = parseRepositoryUrl(known.url);
      const before = stores.backupRepositories.secretsOf(id);
      const env = change.credentials ?? before.env;
      const secrets = requireSecrets(place, { ...before, env, privateKey: change.privateKey ?? before.privateKey });
      const { name = known.name, knownHosts = known.knownHosts } = change;
      requireHostKey(place, knownHosts ?? undefined);
      const changed = { ...known, name, knownHosts, updatedAt: clock.now() };
      stores.backupRepositories.update(changed, secrets);
      const hosts = spreadSettings(stores, stores.backupRepositories.serviceIdsOf(changed));
      tx.afterCommit(() => hosts.forEach((host) => links.nudge(host)));
      return changed;
    });
  }

  /** What lies in it stays there. */
  async remove(caller: Caller, id: string): Promise<void> {
    const { stores, access, effects, links } = this.#deps;
    await effects.perform(() => (tx) => {
      access.requireFleetOperator(caller, 'delete repositories for backups');
      const known = access.requireBackupRepository(caller, id);
      if (stores.backupRepositories.isInUse(id)) {
        const details = 'Delete the backups in it, and set its services to another one, first.';
        throw new LongshoreError('in_use', { message: `Repository "${known.name}" is in use`, details });
      }
      const services = stores.backupRepositories.serviceIdsOf(known);
      stores.backupRepositories.remove(id);
      const hosts = spreadSettings(stores, services);
      tx.afterCommit(() => hosts.forEach((host) => links.nudge(host)));
      return { id };
    });
  }

  #requireScope({ customerId, planId }: BackupRepositoryRecord): void {
    const { stores } = this.#deps;
    if (customerId !== null && planId !== null) throw refuse('plan_id', 'cannot be given beside customer_id');
    if (customerId !== null && !stores.customers.find(customerId)) throw refuse('customer_id', 'Invalid customer ID');
    if (planId !== null && !stores.plans.find(planId)) throw refuse('plan_id', 'Invalid plan ID');
    const taken = stores.backupRepositories.findOfScope({ customerId, planId });
    if (taken === undefined) return;
    throw new LongshoreError('name_taken', {
      message: 'There is a repository for this customer or plan already',
      fields: {
        [customerId === null ? 'plan_id' : 'customer_id']: `has repository ${taken}: change or delete that one`,
      },
    });
  }
}

/** What DNS says of a name is judged on the host, each time. */
function requirePlace(url: string): RepositoryPlace {
  const place = parseRepositoryUrl(url);
  const host = place.server?.host;
  if (host === undefined || !isAddress(host) || isCallable(host, { allowsPrivate: true })) return place;
  throw new LongshoreError('egress_denied', {
    message: `Backups must not go to "${host}"`,
    fields: { url: 'must not be called' },
  });
}

function requireSecrets({ kind }: RepositoryPlace, secrets: RepositorySecrets): RepositorySecrets {
  const allowed = CREDENTIAL_NAMES[kind];
  const strange = Object.keys(secrets.env).find((name) => !allowed.includes(name));
  if (strange !== undefined) {
    const known = allowed.length === 0 ? 'none is used here' : `only ${allowed.join(', ')}`;
    throw refuse('credentials', `${strange} is not taken: ${known}`);
  }
  if (kind !== 'sftp' && secrets.privateKey !== undefined) throw refuse('private_key', 'is for sftp only');
  return secrets;
}

/** Nobody looks at what a host shows first when a schedule runs at night. */
function requireHostKey({ kind }: RepositoryPlace, knownHosts: string | undefined): void {
  if (kind === 'sftp' && knownHosts === undefined)
    throw refuse('known_hosts', 'must be given for sftp: what ssh-keyscan prints');
  if (kind !== 'sftp' && knownHosts !== undefined) throw refuse('known_hosts', 'is for sftp only');
}

const refuse = (field: string, problem: string): LongshoreError =>
  new LongshoreError('validation_error', { fields: { [field]: problem } });
