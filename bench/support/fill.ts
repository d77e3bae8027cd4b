// A database of a fleet that grew: hosts, and services on them as they are when they run.
import { newId } from '#shared/ids.ts';
import type { ServiceReport } from '#shared/model.ts';
import type { ServiceRecord } from '../../control/store/records.ts';
import type { Stores } from '../../control/store/stores.ts';
import { FACTS } from '../../test/support/fake-host.ts';

const SERVICES_A_CUSTOMER = 50;
/** Writes that share a commit while the database is filled. */
const BATCH = 256;
/** A compose file of ordinary length; sealed apart from what the list reads. */
const COMPOSE = `services:\n  web:\n    image: ghcr.io/example/web:1.4.2\n${'    # a line of an ordinary file\n'.repeat(40)}`;

const SOURCE = {
  compose: COMPOSE,
  variables: { TOKEN: 'x'.repeat(32) },
  secretNames: ['TOKEN'],
  files: {},
  templateVersion: 1,
};

/** One for each key of an agent. Returns their ids. */
export async function fillHosts(stores: Stores, agentKeys: readonly string[]): Promise<string[]> {
  const hosts = agentKeys.map((agentKey) => ({ id: newId('host'), agentKey }));
  await inBatches(stores, hosts, ({ id, agentKey }, n) => {
    stores.hosts.insert({ id, name: `host-${n}`, agentKey, labels: { zone: 'eu' }, createdAt: n });
    stores.hosts.setFacts(id, { ...FACTS, hostname: `host-${n}`, addresses: ['203.0.113.7', '2001:db8::7'] }, n);
  });
  return hosts.map(({ id }) => id);
}

/** Neighbours in a list lie on different hosts. Returns their ids, in the order of the hosts. */
export async function fillServices(stores: Stores, hosts: readonly string[], count: number): Promise<string[]> {
  const records = Array.from({ length: count }, (_, n) => toService(hosts[n % hosts.length] as string, n));
  await inBatches(stores, records, (record) => stores.services.insert(record, SOURCE));
  return records.map(({ id }) => id);
}

async function inBatches<T>(stores: Stores, items: readonly T[], write: (item: T, n: number) => void): Promise<void> {
  for (let from = 0; from < items.length; from += BATCH) {
    const batch = items.slice(from, from + BATCH);
    await stores.writer.write(() => batch.forEach((item, i) => write(item, from + i)));
  }
}

function toService(hostId: string, n: number): ServiceRecord {
  const id = newId('svc');
  const at = Date.parse('2026-03-29T10:00:00Z') + n * 1000;
  return {
    id,
    name: `service-${n}`,
    displayName: `Service ${n}`,
    category: 'web',
    lifecycle: n % 10 === 0 ? 'stopped' : 'running',
    health: 'healthy',
    isEnabled: true,
    reason: null,
    customerId: `cust_${Math.floor(n / SERVICES_A_CUSTOMER)}`,
    hostId,
    method: 'template',
    templateId: 'uptime-kuma',
    labels: { team: 'platform', tier: 'gold' },
    revision: 3,
    rollbackOnFailure: true,
    healthTimeoutS: 120,
    createdAt: at,
    updatedAt: at,
    deployedAt: at,
    limits: { cpu: 1, memoryMb: 512 },
    suspendedFrom: null,
    autoUpdate: null,
    updateAvailable: null,
    setId: null,
    setRevision: null,
    hostname: null,
    report: toReport(id, n, at),
  };
}

export const toReport = (serviceId: string, n: number, at: number): ServiceReport => ({
  serviceId,
  lifecycle: 'running',
  health: 'healthy',
  reason: null,
  revision: 3,
  containers: ['web', 'cache'].map((service, i) => ({
    id: `${n}`.padStart(64, 'c0ffee'),
    name: `service-${n}-${service}-1`,
    service,
    image: `ghcr.io/example/${service}:1.4.2`,
    imageId: `sha256:${`${n}`.padStart(64, '0')}`,
    state: 'running',
    health: 'healthy',
    exitCode: null,
    startedAt: at,
    ports: i === 0 ? [{ host: 8000 + (n % 1000), container: 80, protocol: 'tcp', address: '0.0.0.0' }] : [],
  })),
  at,
});
