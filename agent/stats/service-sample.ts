// From what the containers of a service use to what the service uses. Pure.
import { MAX_CHECK_OUTPUT, type ServiceSample } from '#shared/model.ts';
import type { Usage } from '#shared/stats.ts';
import type { Container } from '../docker/engine.ts';

export interface MeasuredContainer {
  /** What its check printed is without secrets here. */
  facts: Pick<
    Container,
    'hasHealthCheck' | 'failingStreak' | 'probedAt' | 'probeOutput' | 'cpuLimit' | 'memoryLimitBytes'
  >;
  usage: Pick<Usage, 'cpuCores' | 'memoryBytes'>;
}

export interface SampleFacts {
  serviceId: string;
  /** Those that run. */
  containers: readonly MeasuredContainer[];
  storageBytes: number | null;
  at: number;
}

/** The noise of the clock is not worth its digits on the wire. */
const CORE_STEPS = 10_000;

export function sampleOf({ serviceId, containers, storageBytes, at }: SampleFacts): ServiceSample {
  const cpuCores = sumOfKnown(containers.map(({ usage }) => usage.cpuCores));
  return {
    serviceId,
    cpuCores: cpuCores === null ? null : Math.round(cpuCores * CORE_STEPS) / CORE_STEPS,
    memoryBytes: sumOfKnown(containers.map(({ usage }) => usage.memoryBytes)),
    cpuLimitCores: sumOfAll(containers.map(({ facts }) => facts.cpuLimit)),
    memoryLimitBytes: sumOfAll(containers.map(({ facts }) => facts.memoryLimitBytes)),
    storageBytes,
    ...checksOf(containers),
    at,
  };
}

/** The container that fails longest; among equals the one that was looked at last. */
function checksOf(
  containers: readonly MeasuredContainer[],
): Pick<ServiceSample, 'lastCheckAt' | 'consecutiveFailures' | 'lastOutput'> {
  const checked = containers.map(({ facts }) => facts).filter((facts) => facts.hasHealthCheck && facts.probedAt > 0);
  const [worst] = checked.toSorted((a, b) => b.failingStreak - a.failingStreak || b.probedAt - a.probedAt);
  return {
    lastCheckAt: worst?.probedAt ?? null,
    consecutiveFailures: worst?.failingStreak ?? null,
    lastOutput: worst?.probeOutput.replace(CONTROLS, ' ').trim().slice(0, MAX_CHECK_OUTPUT) || null,
  };
}

/** What a terminal would act on. Lines stay lines. */
// oxlint-disable-next-line no-control-regex -- they are what is looked for
const CONTROLS = /[\0-\x08\x0b-\x1f\x7f]/g;

/** Nothing uses nothing; null where none of several is known. */
function sumOfKnown(values: readonly (number | null)[]): number | null {
  const known = values.filter((value) => value !== null);
  return known.length === 0 && values.length > 0 ? null : sum(known);
}

/** Null where one has no limit: then there is none for all of them together. */
function sumOfAll(values: readonly (number | null)[]): number | null {
  const known = values.filter((value) => value !== null);
  return known.length === 0 || known.length < values.length ? null : sum(known);
}

const sum = (values: readonly number[]): number => values.reduce((all, value) => all + value, 0);
