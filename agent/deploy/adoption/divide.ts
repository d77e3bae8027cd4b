// What a deploy does about adopted containers, which Compose would make anew for want of our labels, or does not know at
// all: those that may stay are kept out of its hands, those in the way of their successors go first. Pure.
import type { PlanStep } from '#shared/jobs.ts';
import type { Container } from '../../docker/engine.ts';
import { isForeign } from '../../owner.ts';
import type { Rendered } from '../rendered.ts';

export interface Division {
  /** Compose services that `up` is for. */
  only: string[];
  /** Of these, those that Compose may take for unchanged by its own hash: of accepted drift it knows nothing. */
  anew: string[];
  /** To be started as they are. */
  idle: Container[];
  /** To be removed before `up`: Compose would not do it. */
  retired: Container[];
}

/** Undefined where nothing is adopted: then Compose does everything. */
export function divide(
  steps: readonly PlanStep[],
  containers: readonly Container[],
  { services }: Pick<Rendered, 'services'>,
): Division | undefined {
  const adopted = containers.filter(({ isAdopted }) => isAdopted);
  if (adopted.length === 0) return undefined;
  const staying = new Set(steps.filter(({ action }) => action === 'keep' || action === 'start').map(nameOf));
  const spared = new Set(adopted.map(nameOf).filter((service) => staying.has(service)));
  // By the file: from a service that has too many containers Compose takes the surplus itself.
  const isGone = (service: string) => !Object.hasOwn(services, service);
  const recreated = new Set(steps.filter(({ action }) => action === 'recreate').map(nameOf));
  const wanted = steps.map(nameOf).filter((service) => !isGone(service));
  return {
    only: wanted.filter((service) => !spared.has(service)),
    anew: [...recreated].filter((name) => adopted.some((one) => one.service === name && !isForeign(one))),
    idle: adopted.filter(({ service, state }) => spared.has(service) && state !== 'running'),
    retired: containers.filter((one) => isGone(one.service) || (isStranger(one) && !spared.has(one.service))),
  };
}

const nameOf = ({ service }: { service: string }): string => service;

const isStranger = (container: Container): boolean => container.isAdopted && isForeign(container);
