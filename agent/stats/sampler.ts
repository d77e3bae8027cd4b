// One round after the other: what each service of this host uses now. Says nothing to anybody; see report.ts.
import type { ServiceSample } from '#shared/model.ts';
import type { ContainerUsageNow } from '#shared/stats.ts';
import type { Clock } from '#shared/time.ts';
import type { ServiceTable } from '../state/services.ts';
import type { Member, Roster } from './roster.ts';
import { sampleOf } from './service-sample.ts';
import type { VolumeSizes } from './volume-sizes.ts';

export interface SamplerDeps {
  services: Pick<ServiceTable, 'names'>;
  roster: Roster;
  volumes: VolumeSizes;
  clock: Clock;
}

export interface MeasuredService {
  sample: ServiceSample;
  /** Those that run. */
  containers: ContainerUsageNow[];
}

/**
 * Every service, also those that do not run. While Docker is away, those containers that were known, which may well run
 * on; throws `docker_unavailable` where none is.
 */
export async function measureServices({ services, roster, volumes, clock }: SamplerDeps): Promise<MeasuredService[]> {
  const own = services.names();
  if (own.length === 0) {
    roster.clear();
    return [];
  }
  const hasNewContainers = await roster.refresh(own, clock.elapsed()).catch((error: unknown) => {
    if (roster.members.length === 0) throw error;
    return false;
  });
  if (hasNewContainers) volumes.expectChange();
  volumes.tick();
  const at = clock.now();
  const measured = await Promise.all(roster.members.map((member) => measure(member, clock)));
  const byService = Map.groupBy(measured, ({ serviceId }) => serviceId);
  return own.map(({ serviceId, name }) => {
    const members = byService.get(serviceId) ?? [];
    const sample = sampleOf({ serviceId, containers: members, storageBytes: volumes.bytesOf(name), at });
    return { sample, containers: members.map(({ usage }) => usage) };
  });
}

async function measure({ serviceId, container, meter }: Member, clock: Clock) {
  const { name, service, restartCount, startedAt } = container;
  const at = clock.now();
  const used = await meter.measure(clock.elapsed());
  const usage: ContainerUsageNow = { name, service, restartCount, startedAt, at, ...used };
  return { serviceId, facts: container, usage };
}
