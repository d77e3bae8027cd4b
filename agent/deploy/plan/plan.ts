// Decides what a deploy will do to each compose service, and why. Pure: facts in, printable steps out. Compose carries
// the plan out and decides the same by its own hash; a difference would show in the tests, not in production.
import { isDeepStrictEqual } from 'node:util';
import { isMap } from '#shared/compose/values.ts';
import type { PlanStep } from '#shared/jobs.ts';
import type { Container } from '../../docker/engine.ts';
import { diffService } from './diff.ts';
import { imageOf, levelsOf, namespacesOf, replicasOf, type Rendered, type RenderedService } from '../rendered.ts';

export interface PlanFacts {
  desired: Rendered;
  /** What the containers that are there were made from; undefined when nobody knows. */
  made: Rendered | undefined;
  containers: readonly Container[];
  /** Image id that each desired service's image name stands for now; undefined when it is not on the host yet. */
  imageIds: Readonly<Record<string, string | undefined>>;
}

/** `<12 hex>_<name>`: what Compose calls the new container of a pair until the old one is gone. */
export const LEFTOVER_NAME = /^[0-9a-f]{12}_/;

/** Steps in the order they start; removals last. */
export function planDeploy(facts: PlanFacts): PlanStep[] {
  const { desired, containers } = facts;
  const steps: PlanStep[] = [];
  for (const service of levelsOf(desired).flat()) steps.push(planService(service, facts, steps));
  const gone = containers.map(({ service }) => service).filter((service) => !Object.hasOwn(desired.services, service));
  const removals = [...new Set(gone)].toSorted().map((service): PlanStep => {
    return { service, action: 'remove', reason: 'no longer in the file' };
  });
  return [...steps, ...removals];
}

function planService(name: string, facts: PlanFacts, before: readonly PlanStep[]): PlanStep {
  const service = facts.desired.services[name] ?? {};
  const own = facts.containers.filter((container) => container.service === name);
  if (own.length === 0) return { service: name, action: 'create', reason: 'no container yet' };
  const reasons = [
    ...reasonsByState(own),
    ...reasonsByFile(name, service, facts),
    ...reasonsByImage(name, own, facts),
    ...reasonsByNamespace(service, before),
  ];
  if (reasons.length > 0) return { service: name, action: 'recreate', reason: reasons.join('; ') };
  return planCount(name, replicasOf(service), own);
}

/** Same container, but are there enough, and do they run? */
function planCount(service: string, wanted: number, own: readonly Container[]): PlanStep {
  if (own.length !== wanted && own.some(({ isAdopted }) => isAdopted)) {
    return { service, action: 'recreate', reason: `${own.length} adopted, ${wanted} replicas wanted` };
  }
  if (own.length < wanted) return { service, action: 'create', reason: `${own.length} of ${wanted} replicas exist` };
  if (own.length > wanted) return { service, action: 'remove', reason: `${own.length} replicas, ${wanted} wanted` };
  const idle = own.find(({ state }) => state !== 'running');
  if (!idle) return { service, action: 'keep', reason: 'unchanged' };
  const why = idle.state === 'exited' ? `exited with code ${idle.exitCode ?? '?'}` : idle.state;
  return { service, action: 'start', reason: why };
}

const reasonsByState = (own: readonly Container[]): string[] =>
  own.some(({ name }) => LEFTOVER_NAME.test(name)) ? ['left behind by an interrupted deploy'] : [];

function reasonsByFile(name: string, service: RenderedService, { made, desired }: PlanFacts): string[] {
  const before = made?.services[name];
  if (!before) return ['made from an unknown file'];
  const networks = redefinedNetworks(service, made, desired).map((network) => `network ${network} is defined anew`);
  return [...diffService(before, service), ...networks];
}

function definition({ networks }: Rendered, name: string): unknown {
  return isMap(networks) ? networks[name] : undefined;
}

/** A network that is defined anew is made anew, and its containers with it. */
export function redefinedNetworks({ networks }: RenderedService, made: Rendered, desired: Rendered): string[] {
  return Object.keys(networks ?? {}).filter((name) => {
    const before = definition(made, name);
    return before !== undefined && !isDeepStrictEqual(before, definition(desired, name));
  });
}

function reasonsByImage(name: string, own: readonly Container[], { imageIds, desired }: PlanFacts): string[] {
  const id = imageIds[name];
  const isOld = id !== undefined && own.some(({ imageId }) => imageId !== id);
  const image = imageOf(desired, name);
  return isOld && own.some((container) => container.image === image) ? [`image ${image} is a newer build`] : [];
}

/** A shared namespace ends with the container it belongs to. */
function reasonsByNamespace(desired: RenderedService, before: readonly PlanStep[]): string[] {
  return namespacesOf(desired).flatMap((mode) => {
    const owner = /^service:(.+)$/.exec(mode)?.[1];
    const isNew = before.some(({ service, action }) => service === owner && action === 'recreate');
    return isNew ? [`shares a namespace with ${owner}, which is recreated`] : [];
  });
}

/** Every service is as it should be. */
export const planNothing = ({ services }: Rendered): PlanStep[] =>
  Object.keys(services).map((service) => ({ service, action: 'keep', reason: 'unchanged' }));

export const changesNothing = (steps: readonly PlanStep[]): boolean => steps.every(({ action }) => action === 'keep');

/** For people: aligned columns, one line a service. */
export function printPlan(steps: readonly PlanStep[]): string {
  const width = Math.max(0, ...steps.map(({ service }) => service.length));
  return steps
    .map((step) => `${step.action.padEnd(8)} ${step.service.padEnd(width)}  ${step.reason}${orderInWords(step)}`)
    .join('\n');
}

const ORDER_WORDS = { start_first: 'start-first', stop_first: 'stop-first' } as const;

const orderInWords = ({ replacement }: PlanStep): string =>
  replacement ? ` (${ORDER_WORDS[replacement.order]}: ${replacement.reason})` : '';
