// Which checks a service has on this host: what its user said, and for the rest what its compose file and its images
// say. Pure.
//
// Only what was asked for is probed. A container without a check of its own keeps Docker's health check where it has one,
// and else counts as healthy while it runs: a guessed probe would restart what works (docs/decisions, health checks).
import { LongshoreError } from '#shared/errors.ts';
import { CHECK_BOUNDS, type HealthCheckSpec } from '#shared/health-check.ts';
import { isMap, listOf, textOf, type ComposeMap } from '#shared/compose/values.ts';
import { durationMs, type Rendered, type RenderedService } from '../deploy/rendered.ts';
import type { Image } from '../docker/engine.ts';
import type { HealthCheck, Probe } from './health-check.ts';

/** Where neither the user nor the file says more. */
const DEFAULTS = { intervalS: 10, timeoutS: 5, startPeriodS: 60, failureThreshold: 3, successThreshold: 1 } as const;

/** What programs listen for that serve one machine only: most frameworks let it pass where they are strict about names. */
const DEFAULT_HOST = 'localhost';

/** What an image tells; by compose service, undefined while it is not on the host. */
type Images = Readonly<Record<string, Pick<Image, 'ports'> | undefined>>;

/**
 * One for each compose service. Throws `validation_error` by field for what neither the file nor the image has an answer
 * to; what only an image can tell that is not here yet is left out.
 */
export function planChecks(specs: readonly HealthCheckSpec[], rendered: Rendered, images: Images): HealthCheck[] {
  const planned = specs.map((spec, index) => planCheck(spec, rendered, images, `health_checks.${index}`));
  const double = planned.findIndex(({ service }, index) => planned.findIndex((one) => one.service === service) < index);
  if (double === -1) return planned.flatMap(({ probe, ...check }) => (probe ? [{ ...check, probe }] : []));
  const problem = `"${planned[double]?.service}" has a health check already: one for each service`;
  throw invalid(`health_checks.${double}.service`, problem);
}

type Planned = Omit<HealthCheck, 'probe'> & { probe: Probe | undefined };

function planCheck(spec: HealthCheckSpec, rendered: Rendered, images: Images, field: string): Planned {
  const service = spec.service ?? guessService(rendered, field);
  const own = rendered.services[service];
  if (!own) throw invalid(`${field}.service`, `the compose file has no service "${service}"`);
  return { service, probe: toProbe(spec, own, images[service], `${field}.port`), ...timingOf(spec, own) };
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

function toProbe(
  spec: HealthCheckSpec,
  service: RenderedService,
  image: Images[string],
  field: string,
): Probe | undefined {
  if (spec.type === 'exec') return { type: 'exec', command: spec.command };
  const port = spec.port ?? portOf(service) ?? image?.ports[0];
  if (port === undefined && !image) return undefined;
  if (port === undefined) throw invalid(field, 'neither the compose file nor the image exposes a TCP port: name one');
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
  const seconds = (key: TimeKey, name: string, otherwise: number): number =>
    1_000 * (spec[key] ?? within(key, secondsOf(told[name])) ?? otherwise);
  return {
    intervalMs: seconds('intervalS', 'interval', DEFAULTS.intervalS),
    timeoutMs: seconds('timeoutS', 'timeout', DEFAULTS.timeoutS),
    thresholds: {
      startPeriodMs: seconds('startPeriodS', 'start_period', DEFAULTS.startPeriodS),
      failures:
        spec.failureThreshold ?? within('failureThreshold', Number(told['retries'] ?? 0)) ?? DEFAULTS.failureThreshold,
      passes: spec.successThreshold ?? DEFAULTS.successThreshold,
    },
  };
}

type TimeKey = 'intervalS' | 'timeoutS' | 'startPeriodS';

const secondsOf = (value: unknown): number | undefined =>
  value === undefined ? undefined : durationMs(textOf(value)) / 1_000;

/** What the file says, within what may be asked for. To Docker, 0 is its default where it makes no sense. */
function within(key: TimeKey | 'failureThreshold', value: number | undefined): number | undefined {
  const [least, most] = CHECK_BOUNDS[key];
  return value === undefined || (value === 0 && least > 0) ? undefined : Math.min(Math.max(value, least), most);
}

const invalid = (field: string, problem: string): LongshoreError =>
  new LongshoreError('validation_error', { fields: { [field]: problem } });
