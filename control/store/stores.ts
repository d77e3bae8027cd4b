// The database of the control plane with all its stores: the one thing the app layer is given.
import { join } from 'node:path';
import { loadSecretBox } from '#shared/secrets.ts';
import type { Clock } from '#shared/time.ts';
import { openDatabase } from '../db/database.ts';
import { Writer } from '../db/writer.ts';
import { AdoptionStore } from './adoptions.ts';
import { AuditStore } from './audit.ts';
import { BackupRepositoryStore } from './backup-repositories.ts';
import { BackupSettingsStore } from './backup-settings.ts';
import { BackupStore } from './backups.ts';
import { CommandStore } from './commands.ts';
import { DeliveryStore } from './deliveries.ts';
import { DnsStore } from './dns.ts';
import { DomainStore } from './domains.ts';
import { CustomerStore } from './customers.ts';
import { DrainStore } from './drains.ts';
import { EventStore } from './events.ts';
import { GitHookStore } from './git-hooks.ts';
import { ReviewStore } from './reviews.ts';
import { HostEdgeStore } from './host-edges.ts';
import { HostStore } from './hosts.ts';
import { HostUpgradeStore } from './host-upgrades.ts';
import { IdempotencyStore } from './idempotency.ts';
import { JobLogStore } from './job-log.ts';
import { IncidentStore } from './incidents.ts';
import { JobStore } from './jobs.ts';
import { JoinTokenStore } from './join-tokens.ts';
import { KeyStore } from './keys.ts';
import { LoginAttemptStore } from './login-attempts.ts';
import { PlanStore } from './plans.ts';
import { OutboxStore } from './outbox.ts';
import { ServicePlaces } from './service-places.ts';
import { ServiceStore } from './services.ts';
import { ImageUpdateStore } from './image-updates.ts';
import { MetaStore } from './meta.ts';
import { MoveStore } from './moves.ts';
import { RestoredHosts } from './restored-hosts.ts';
import { RegistryStore } from './registries.ts';
import { RevisionStore } from './revisions.ts';
import { RolloutStore } from './rollouts.ts';
import { ScheduleStore } from './schedules.ts';
import { SessionStore } from './sessions.ts';
import { SetStore } from './sets.ts';
import { TemplateStore } from './templates.ts';
import { TombstoneStore } from './tombstones.ts';
import { VariableStore } from './variables.ts';
import { WebhookStore } from './webhooks.ts';

export type { WriteContext } from '../db/writer.ts';
export type Stores = ReturnType<typeof openStores>;

/** Opens DIR/control.db under DIR/secret.key. Changes go through `writer`; reads may happen at any time. */
export function openStores(dataDir: string, clock: Clock) {
  const box = loadSecretBox(join(dataDir, 'secret.key'));
  const db = openDatabase(join(dataDir, 'control.db'));
  const writer = new Writer(db, clock);
  return {
    writer,
    audit: new AuditStore(db),
    meta: new MetaStore(db),
    hosts: new HostStore(db),
    hostUpgrades: new HostUpgradeStore(db),
    restoredHosts: new RestoredHosts(db),
    joinTokens: new JoinTokenStore(db),
    keys: new KeyStore(db),
    sessions: new SessionStore(db, box),
    loginAttempts: new LoginAttemptStore(db, box),
    customers: new CustomerStore(db),
    plans: new PlanStore(db),
    registries: new RegistryStore(db, box),
    services: new ServiceStore(db, box),
    places: new ServicePlaces(db),
    gitHooks: new GitHookStore(db, box),
    schedules: new ScheduleStore(db, box),
    imageUpdates: new ImageUpdateStore(db),
    reviews: new ReviewStore(db),
    revisions: new RevisionStore(db, box),
    sets: new SetStore(db, box),
    rollouts: new RolloutStore(db),
    templates: new TemplateStore(db),
    tombstones: new TombstoneStore(db),
    variables: new VariableStore(db, box),
    backups: new BackupStore(db, box),
    backupRepositories: new BackupRepositoryStore(db, box),
    backupSettings: new BackupSettingsStore(db, box),
    adoptions: new AdoptionStore(db),
    jobs: new JobStore(db),
    jobLog: new JobLogStore(db),
    events: new EventStore(db),
    incidents: new IncidentStore(db),
    drains: new DrainStore(db),
    commands: new CommandStore(db, box),
    idempotency: new IdempotencyStore(db, box),
    outbox: new OutboxStore(db),
    webhooks: new WebhookStore(db, box),
    deliveries: new DeliveryStore(db),
    domains: new DomainStore(db, box),
    hostEdges: new HostEdgeStore(db),
    dns: new DnsStore(db, box),
    moves: new MoveStore(db),
    async close(): Promise<void> {
      await writer.close();
      db.close();
    },
  };
}
