// Which containers answer to a name, and on which port. Pure.
import type { WireError } from '#shared/errors.ts';
import type { EdgeRoute } from '#shared/protocol/edge-parts.ts';
import type { Container } from '../docker/engine.ts';

export interface TargetFacts {
  route: Pick<EdgeRoute, 'service' | 'port'>;
  /** Of the service that has the name. */
  containers: readonly Container[];
  /** TCP ports that an image says it listens on, by its id. */
  imagePorts: ReadonlyMap<string, readonly number[]>;
  /** Containers that are about to go: nobody new is sent there while there are others. */
  leaving: ReadonlySet<string>;
}

export type Target = { dials: string[] } | { fault: WireError };

/** What sites usually listen on, the likeliest first; then whatever comes lowest. */
const USUAL_PORTS = [80, 8080, 3000, 8000, 5000];

/**
 * Published ports say what is meant for the outside; without any, what an image says it listens on. Where several services
 * of the file would do, the one with the likeliest port answers.
 */
export function findTarget(facts: TargetFacts): Target {
  const up = facts.containers.filter(({ state, address }) => state === 'running' && address !== null);
  const service = facts.route.service ?? chooseService(up, facts);
  if (service === null) return fault('No container of the service listens on a port: name a service and a port');
  const own = stayingOf(
    up.filter((container) => container.service === service),
    facts,
  );
  if (own.length === 0) return fault(`No container of "${service}" runs`);
  const answering = own.filter(({ health }) => health !== 'unhealthy' && health !== 'starting');
  const dials = (answering.length > 0 ? answering : own).flatMap((container) => {
    const port = facts.route.port ?? choosePort(container, facts);
    return port === null ? [] : [`${bracket(container.address ?? '')}:${port}`];
  });
  if (dials.length === 0) return fault(`"${service}" listens on no port that is known: name one`);
  return { dials: dials.toSorted() };
}

/** A deploy that failed may leave those that were about to go as the only ones. */
function stayingOf(containers: readonly Container[], { leaving }: TargetFacts): readonly Container[] {
  const staying = containers.filter(({ id }) => !leaving.has(id));
  return staying.length > 0 ? staying : containers;
}

function chooseService(containers: readonly Container[], facts: TargetFacts): string | null {
  const candidates = containers.flatMap((container) => {
    const port = facts.route.port ?? choosePort(container, facts);
    if (port === null) return [];
    return [{ service: container.service, port, isPublished: publishedOf(container).length > 0 }];
  });
  const [best] = candidates.toSorted(
    (a, b) =>
      Number(b.isPublished) - Number(a.isPublished) ||
      rankOf(a.port) - rankOf(b.port) ||
      (a.service < b.service ? -1 : 1),
  );
  return best?.service ?? null;
}

function choosePort(container: Container, { imagePorts }: TargetFacts): number | null {
  const published = publishedOf(container);
  const known = published.length > 0 ? published : (imagePorts.get(container.imageId) ?? []);
  return known.toSorted((a, b) => rankOf(a) - rankOf(b))[0] ?? null;
}

/** On the container's side. */
const publishedOf = ({ ports }: Container): number[] =>
  ports.filter(({ protocol }) => protocol === 'tcp').map(({ container }) => container);

function rankOf(port: number): number {
  const usual = USUAL_PORTS.indexOf(port);
  return usual === -1 ? USUAL_PORTS.length + port : usual;
}

const bracket = (address: string): string => (address.includes(':') ? `[${address}]` : address);

const fault = (message: string): { fault: WireError } => ({ fault: { code: 'state_conflict', message } });
