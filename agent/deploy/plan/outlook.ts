// What a plan means for fields, images, ports, volumes and uptime. Pure: facts in, what people are shown out.
import { isMap, listOf, textOf } from '#shared/compose/values.ts';
import type { PlanStep } from '#shared/jobs.ts';
import type { DeployPlan } from '#shared/protocol/deploy-parts.ts';
import type { Container } from '../../docker/engine.ts';
import type { Hide } from '../../secrets/hide.ts';
import { changesOf } from './diff.ts';
import type { FoundImages } from '../images.ts';
import { imageOf, replicasOf, type Rendered } from '../rendered.ts';
import { showChange } from './show-change.ts';

export function toServices(
  steps: readonly PlanStep[],
  { made, desired }: { made: Rendered | undefined; desired: Rendered },
  hide: Hide,
): DeployPlan['services'] {
  return steps.map((step) => {
    const [before, after] = [made?.services[step.service], desired.services[step.service]];
    const changes = before && after ? changesOf(before, after) : [];
    return { ...step, fields: changes.map((change) => showChange(change, hide)) };
  });
}

/** Each image once, by name. `pulled`: what a deploy would ask registries for; `downloads`: bytes by name, as far as known. */
export function toImages(
  desired: Rendered,
  found: FoundImages,
  { pulled, downloads }: { pulled: readonly string[]; downloads: ReadonlyMap<string, number> },
): DeployPlan['images'] {
  const byReference = Map.groupBy(Object.keys(desired.services), (name) => imageOf(desired, name));
  const images = [...byReference].map(([reference, services]): DeployPlan['images'][number] => {
    const image = found[services[0] ?? ''];
    const isBuilt = services.some((name) => desired.services[name]?.build !== undefined);
    const here = pulled.includes(reference) ? 'refresh' : 'present';
    return {
      reference,
      services,
      source: isBuilt ? 'build' : image ? here : 'pull',
      sizeBytes: image?.sizeBytes ?? null,
      downloadBytes: downloads.get(reference) ?? null,
    };
  });
  return images.toSorted((a, b) => (a.reference < b.reference ? -1 : 1));
}

export function toPorts({ services }: Rendered): DeployPlan['ports'] {
  return Object.entries(services).flatMap(([service, { ports }]) =>
    listOf(ports)
      .filter(isMap)
      .map(({ published, target, protocol, host_ip: address }) => ({
        service,
        host: textOf(published) || null,
        container: Number(textOf(target)),
        protocol: textOf(protocol) || 'tcp',
        address: textOf(address),
      })),
  );
}

/** Named volumes of the project; `existing` by their full names. A deploy removes none. */
export function toVolumes(desired: Rendered, existing: readonly string[]): DeployPlan['volumes'] {
  const declared = isMap(desired['volumes']) ? Object.entries(desired['volumes']) : [];
  const wanted = declared.map(([key, volume]) => {
    const name = (isMap(volume) && textOf(volume['name'])) || `${desired.name}_${key}`;
    const isThere = existing.includes(name) || (isMap(volume) && volume['external'] === true);
    return { name, action: isThere ? ('keep' as const) : ('create' as const), services: usersOf(desired, key) };
  });
  const left = existing.filter((name) => !wanted.some((volume) => volume.name === name));
  return [...wanted, ...left.toSorted().map((name) => ({ name, action: 'leave' as const, services: [] }))];
}

const usersOf = ({ services }: Rendered, volume: string): string[] =>
  Object.entries(services).flatMap(([name, { volumes }]) =>
    listOf(volumes).some((use) => isMap(use) && use['type'] === 'volume' && use['source'] === volume) ? [name] : [],
  );

/** Services that stop answering: old containers go before the next ones come, or all go for good. */
export const toDowntime = (steps: readonly PlanStep[], containers: readonly Container[], desired: Rendered): string[] =>
  steps
    .filter(({ service, action, replacement }) => {
      const isWanted = replicasOf(desired.services[service] ?? { scale: 0 }) > 0;
      return !isWanted || (action === 'recreate' && replacement?.order !== 'start_first');
    })
    .map(({ service }) => service)
    .filter((service) => containers.some((one) => one.service === service && one.state === 'running'));
