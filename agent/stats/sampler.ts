// One round after the other: what each service of this host uses now. Says nothing to anybody; see report.ts.
import type { ServiceSample } from '#shared/model.ts';
import type { Clock } from '#shared/time.ts';
import type { ServiceTable } from '../state/services.ts';
import type { Roster } from './roster.ts';
import { sampleOf, type MeasuredContainer } from './service-sample.ts';
import type { VolumeSizes } from './volume-sizes.ts';

export interface SamplerDeps {
  services: Pick<ServiceTable, 'names'>;
  roster: Roster;
  volumes: VolumeSizes;
  clock: Clock;
}

/** A sample of every service, also of those that do not run. Throws `docker_unavailable`. */
export async function takeSamples({ services, roster, volumes, clock }: SamplerDeps): Promise<ServiceSample[]> {
  const own = services.names();
  if (own.length === 0) {
    roster.clear();
    return [];
  }
  const hasNewContainers = await roster.refresh(own, clock.now());
  if (hasNewContainers) volumes.expectChange();
  volumes.tick();
  const at = clock.now();
  const measured = await Promise.all(
    roster.members.map(async ({ serviceId, container, meter }) => {
      return { serviceId, facts: container, usage: await meter.measure(at) };
    }),
  );
  const byService = Map.groupBy<string, MeasuredContainer & { serviceId: string }>(measured, (one) => one.serviceId);
  return own.map(({ serviceId, name }) => {
    const containers = byService.get(serviceId) ?? [];
    return sampleOf({ serviceId, containers, storageBytes: volumes.bytesOf(name), at });
  });
}
