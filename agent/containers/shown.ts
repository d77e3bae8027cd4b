// Pure: what leaves the host about a container, whoever made it. Secrets by the rules for a user's own compose file,
// because nobody has said of a foreign container which of its values are.
import type { HostContainer } from '#shared/adoption.ts';
import type { KnownContainer } from '#shared/protocol/container-parts.ts';
import { looksSecret, MASK } from '#shared/secret-names.ts';
import type { Usage } from '#shared/stats.ts';
import type { Container } from '../docker/engine.ts';

/** Where images say what they are (OCI's predefined annotations). */
const VERSION_LABEL = 'org.opencontainers.image.version';
const DESCRIPTION_LABEL = 'org.opencontainers.image.description';
/** What `docker ps` shows of an id. */
const SHORT_ID_CHARS = 12;
/** Of a label, which may be of any length. */
const MAX_TEXT_CHARS = 500;
/** Of a range that is published, which may be all there are: a message holds a hundred containers. */
const MAX_PORTS = 50;

export interface Measured {
  usage: Pick<Usage, 'cpuCores' | 'memoryBytes'> | undefined;
  hostMemoryBytes: number;
  at: number;
}

export const isCalled = ({ id, name }: { id: string; name: string }, called: string): boolean =>
  name === called || id === called || (called.length >= SHORT_ID_CHARS && id.startsWith(called));

export const toKnown = (
  container: Container,
  host: HostContainer,
  { usage, hostMemoryBytes, at }: Measured,
): KnownContainer => ({
  ...host,
  ports: host.ports.slice(0, MAX_PORTS),
  restartCount: container.restartCount,
  version: textOf(container, VERSION_LABEL),
  description: textOf(container, DESCRIPTION_LABEL),
  usage: {
    cpuCores: usage?.cpuCores ?? null,
    memoryBytes: usage?.memoryBytes ?? null,
    memoryLimitBytes: container.memoryLimitBytes ?? hostMemoryBytes,
  },
  at,
});

const textOf = ({ labels }: Container, label: string): string | null =>
  labels[label]?.trim().slice(0, MAX_TEXT_CHARS) || null;

/** Values that hold a secret of its service, or stand at a name or in a form that says so. */
export function maskEnv(env: readonly string[], holdsSecret: (value: string) => boolean): string[] {
  return env.map((line) => {
    const [name, value] = splitEnv(line);
    return value !== '' && (looksSecret(name, value) || holdsSecret(value)) ? `${name}=${MASK}` : line;
  });
}

/** What must not stand in its log either. */
export const secretsIn = (env: readonly string[]): string[] =>
  env.map(splitEnv).flatMap(([name, value]) => (value !== '' && looksSecret(name, value) ? [value] : []));

function splitEnv(line: string): [name: string, value: string] {
  const at = line.indexOf('=');
  return at < 0 ? [line, ''] : [line.slice(0, at), line.slice(at + 1)];
}
