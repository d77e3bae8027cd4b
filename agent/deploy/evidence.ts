// What a container shows of itself when it has failed: how it ended, what its health check printed, its last lines.
import { LongshoreError } from '#shared/errors.ts';
import type { Container, Engine } from '../docker/engine.ts';

const EVIDENCE_LINES = 20;
/** Of many that are late for the same reason, these say enough. */
const MOST_LATE = 3;

export async function exited(container: Container, engine: Engine): Promise<LongshoreError> {
  const memory = container.oomKilled ? ', out of memory' : '';
  const again = container.restartCount > 0 ? ` after ${container.restartCount} restarts` : '';
  const end = container.exitCode === null ? 'keeps ending' : `exited with code ${container.exitCode}`;
  return new LongshoreError('exited', {
    message: `Container "${container.name}" ${end}${memory}${again}`,
    details: (await lastLinesOf(container, engine)) || 'it wrote nothing',
  });
}

export async function unhealthy(container: Container, engine: Engine): Promise<LongshoreError> {
  // As a whole, at most 4 KiB: a cut could begin in the middle of a secret, and a status stands at the beginning.
  const probe = container.probeOutput || 'its health check printed nothing';
  const lines = await lastLinesOf(container, engine);
  return new LongshoreError('unhealthy', {
    message: `Container "${container.name}" is unhealthy`,
    details: lines === '' ? probe : `${probe}\nIts last lines:\n${lines}`,
  });
}

/** `waiting`: why each is not ready, and the container where there is one. */
export async function late(
  waiting: readonly { why: string; container?: Container | undefined }[],
  timeoutMs: number,
  engine: Engine,
): Promise<LongshoreError> {
  const containers = waiting.flatMap(({ container }) => container ?? []).slice(0, MOST_LATE);
  const shown = await Promise.all(
    containers.map(async (container) => {
      const { name, probeOutput } = container;
      const lines = await lastLinesOf(container, engine);
      const checked = probeOutput && `\nLast health check of ${name}:\n${probeOutput}`;
      return checked + (lines && `\nLast lines of ${name}:\n${lines}`);
    }),
  );
  return new LongshoreError('timed_out', {
    message: `Not ready within ${Math.round(timeoutMs / 1000)} s`,
    details: waiting.map(({ why }) => why).join('; ') + shown.join(''),
  });
}

/**
 * Says why `up` failed when a container is to blame; undefined when none is. What Compose said is told too: the one that
 * is down may have been so for long.
 */
export async function findCulprit(
  engine: Engine,
  project: string,
  error: LongshoreError,
): Promise<LongshoreError | undefined> {
  const containers = await engine.listProject(project);
  const dead = containers.find(({ state, exitCode }) => state === 'dead' || (state === 'exited' && exitCode !== 0));
  const sick = containers.find(({ health }) => health === 'unhealthy');
  const blamed = dead ? await exited(dead, engine) : sick && (await unhealthy(sick, engine));
  if (!blamed) return undefined;
  const { code, message, details = '' } = blamed;
  const said = error.details ?? error.message;
  return new LongshoreError(code, { message, details: `${details}\nCompose said: ${said}`, cause: error });
}

const lastLinesOf = async ({ id }: Container, engine: Engine): Promise<string> =>
  (await engine.tailLogs(id, EVIDENCE_LINES)).join('\n');
