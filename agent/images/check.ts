// Looks for newer images of one service: what its containers run, against what their registries have.
import { findLogin } from '#shared/compose/image-name.ts';
import { toLongshoreError } from '#shared/errors.ts';
import type { ImageCheck, ServiceUpdates } from '#shared/image-updates.ts';
import type { RegistryLogin, ServiceSpec } from '#shared/model.ts';
import type { Clock } from '#shared/time.ts';
import { SERVICE_LABEL, type Container, type Engine } from '../docker/engine.ts';
import type { Registries } from './registry.ts';
import { judge, judgeAlone, type Newest, type RunningImage } from './verdict.ts';

export interface CheckDeps {
  engine: Pick<Engine, 'listProject' | 'findImage'>;
  registries: Pick<Registries, 'fetchDigest'>;
  clock: Clock;
}

/** At once, of one service: a registry sees a few questions, not a hundred. */
const AT_ONCE = 4;

/** A registry that does not answer makes its image unknown and nothing else. Throws `docker_unavailable`. */
export async function checkService(deps: CheckDeps, spec: ServiceSpec, signal: AbortSignal): Promise<ServiceUpdates> {
  const running = await listRunning(deps.engine, spec);
  const images: ImageCheck[] = [];
  for (let from = 0; from < running.length; from += AT_ONCE) {
    const some = running.slice(from, from + AT_ONCE);
    images.push(...(await Promise.all(some.map((one) => checkImage(deps, one, spec.registries ?? [], signal)))));
  }
  return { serviceId: spec.id, images, checkedAt: deps.clock.now() };
}

/** Replicas with the same image are one; those with another, in the middle of a deploy, are told apart. */
async function listRunning(engine: CheckDeps['engine'], { id, name }: ServiceSpec): Promise<RunningImage[]> {
  const containers = (await engine.listProject(name)).filter(({ labels }) => labels[SERVICE_LABEL] === id);
  const distinct = new Map(containers.map((one) => [`${one.service} ${one.image} ${one.imageId}`, one]));
  return Promise.all([...distinct.values()].map((one) => toRunning(engine, one)));
}

const toRunning = async (
  engine: CheckDeps['engine'],
  { service, image, imageId }: Container,
): Promise<RunningImage> => ({ service, image, digests: (await engine.findImage(imageId))?.digests });

async function checkImage(
  { registries }: CheckDeps,
  running: RunningImage,
  logins: readonly RegistryLogin[],
  signal: AbortSignal,
): Promise<ImageCheck> {
  const alone = judgeAlone(running);
  if (alone) return alone;
  const newest: Newest = await registries.fetchDigest(running.image, findLogin(logins, running.image), signal).then(
    (digest) => ({ digest }),
    (error: unknown) => {
      signal.throwIfAborted();
      return { reason: toLongshoreError(error).message };
    },
  );
  return judge(running, newest);
}
