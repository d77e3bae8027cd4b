// Which checks a service has on this host: what its user said, and for the rest what its compose file says. Pure.
//
// Only what was asked for is probed. A container without a check of its own keeps Docker's health check where it has one,
// and else counts as healthy while it runs: a guessed probe would restart what works (docs/decisions, health checks).
import { LongshoreError } from '#shared/errors.ts';
import type { HealthCheckSpec } from '#shared/health-check.ts';
import { isMap, listOf, textOf, type ComposeMap } from '#shared/compose/values.ts';
import { durationMs, type Rendered, type RenderedService } from '../deploy/rendered.ts';
import type { HealthCheck, Probe } from './health-check.ts';

/** Where neither the user nor the file says more. */
const DEFAULTS = { intervalMs: 10_000, timeoutMs: 5_000, startPeriodMs: 60_000, failures: 3, passes: 1 } as const;

/** What programs listen for that serve one machine only: most frameworks let it pass where they are strict about names. */
const DEFAULT_HOST = 'localhost';

/** One for each compose service. Throws `validation_error` by field for what the file has no answer to. */
export function planChecks(specs: readonly HealthCheckSpec[], rendered: Rendered): HealthCheck[] {
  const planned = specs.map((spec, index) => planCheck(spec, rendered, `health_checks.${index}`));
  const double = planned.findIndex(({ service }, index) => planned.findIndex((one) => one.service === service) < index);
  if (double === -1) return planned;
  const problem = `"${planned[double]?.service}" has a health check already: one for each service`;
  throw invalid(`health_checks.${double}.service`, problem);
}

function planCheck(spec: HealthCheckSpec, rendered: Rendered, field: string): HealthCheck {
  const service = spec.service ?? guessService(rendered, field);
  const own = rendered.services[service];
  if (!own) throw invalid(`${field}.service`, `the compose file has no service "${service}"`);
  return { service, probe: toProbe(spec, own, `${field}.port`), ...timingOf(spec, own) };
}

/** The only one, or the one that its URL leads to. */
function guessService({ services }: Rendered, field: string): string {
  const names = Object.keys(services);
  const [only] = names;
  if (only !== undefined && names.length === 1) return only;
  const published = names.flatMap((name) => publishedPorts(services[name] ?? {}).map(({ host }) => ({ name, host })));
  const [first] = published.toSorted((a, b) => a.host - b.host);
  if (first) return first.name;
  throw invalid(`${field}.service`, `name one of ${names.join(', ')}`);
}

function toProbe(spec: HealthCheckSpec, service: RenderedService, field: string): Probe {
  if (spec.type === 'exec') return { type: 'exec', command: spec.command };
  const port = spec.port ?? portOf(service);
  if (port === undefined) throw invalid(field, 'the compose file publishes and exposes no TCP port: name one');
  if (spec.type === 'tcp') return { type: 'tcp', port };
  const { path = '/', host = DEFAULT_HOST, expectStatus = null } = spec;
  return { type: 'http', port, path, host, expectStatus };
}

/** What is published comes first, as in its URL; else the lowest that it exposes. */
function portOf(service: RenderedService): number | undefined {
  const [published] = publishedPorts(service).toSorted((a, b) => a.host - b.host);
  if (published) return published.container;
  const exposed = listOf(service['expose']).map((port) => /^(\d+)(?:\/tcp)?$/.exec(textOf(port))?.[1]);
  const [lowest] = exposed.flatMap((port) => (port === undefined ? [] : [Number(port)])).toSorted((a, b) => a - b);
  return lowest;
}

/** A host port that Docker chooses comes last; of a range its first counts. */
function publishedPorts({ ports }: RenderedService): { host: number; container: number }[] {
  return listOf(ports)
    .filter(isMap)
    .filter(({ protocol }) => protocol === undefined || protocol === 'tcp')
    .map(({ published, target }) => ({
      host: Number.parseInt(textOf(published), 10) || Number.MAX_SAFE_INTEGER,
      container: Number(target),
    }))
    .filter(({ container }) => container > 0);
}

/** Docker's health check in the file has the user's own words on how patient to be. */
function timingOf(
  spec: HealthCheckSpec,
  { healthcheck }: RenderedService,
): Pick<HealthCheck, 'intervalMs' | 'timeoutMs' | 'thresholds'> {
  const told: ComposeMap = healthcheck ?? {};
  const time = (seconds: number | undefined, key: string, otherwise: number): number =>
    seconds === undefined ? durationMs(textOf(told[key])) || otherwise : seconds * 1_000;
  return {
    intervalMs: time(spec.intervalS, 'interval', DEFAULTS.intervalMs),
    timeoutMs: time(spec.timeoutS, 'timeout', DEFAULTS.timeoutMs),
    thresholds: {
      startPeriodMs: time(spec.startPeriodS, 'start_period', DEFAULTS.startPeriodMs),
      failures: spec.failureThreshold ?? (Number(told['retries']) || DEFAULTS.failures),
      passes: spec.successThreshold ?? DEFAULTS.passes,
    },
  };
}

const invalid = (field: string, problem: string): LongshoreError =>
  new LongshoreError('validation_error', { fields: { [field]: problem } });
