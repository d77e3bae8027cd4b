// Makes a container of no service anew from the newest image of its name, with the same configuration, volumes and name;
// the old one waits beside it and is put back when the new one does not come up. Until that is settled it is written
// down, so that an agent that dies in between puts the old one back at its next start.
//
//   pull ─ same image: nothing to do
//    │
//   note ─ stop old ─ rename old ─ make new ─ start ─ comes up: note that, remove old, forget note
//                                                └── does not: remove new, rename and start old, forget note
import { LongshoreError } from '#shared/errors.ts';
import type { Logger } from '#shared/log.ts';
import { sleep, type Clock } from '#shared/time.ts';
import type { Container, Engine, Image } from '../docker/engine.ts';
import { maskCut } from '../secrets/mask.ts';
import { secretsIn } from './shown.ts';

export interface UpdateNote {
  id: string;
  name: string;
  wasRunning: boolean;
  /** The new one. */
  madeId?: string;
  /** The new one stays, the old one goes: it may be half removed already. */
  isUp?: true;
}

/** Of what is under way; each call is on disk when it returns. */
export interface UpdateNotes {
  all(): UpdateNote[];
  /** In the place of one with its id. */
  add(note: UpdateNote): void;
  remove(id: string): void;
}

export interface UpdateDeps {
  engine: Engine;
  notes: UpdateNotes;
  clock: Clock;
  log: Logger;
}

/** What a container may take to stop if it asks for that much. */
const STOP_GRACE_MS = 60_000;
/** One without a health check that has run this long has come up. */
const SETTLE_MS = 3_000;
/** One with a health check has this long to pass it. */
const HEALTH_LIMIT_MS = 120_000;
const LOOK_MS = 500;

/** Throws what the pull said, `state_conflict` for what cannot be made anew, and why the new one did not come up. */
export async function updateContainer(
  deps: UpdateDeps,
  container: Container,
): Promise<{ id: string; isChanged: boolean }> {
  const { engine, notes, log } = deps;
  await requireCopyable(engine, container);
  const image = await fetchNewest(engine, container);
  if (image.id === container.imageId) return { id: container.id, isChanged: false };
  const note = { id: container.id, name: container.name, wasRunning: container.state === 'running' };
  notes.add(note);
  const id = await replace(deps, container, note).catch((cause: unknown) => giveUp(deps, note, cause));
  const settled: UpdateNote = { ...note, madeId: id, isUp: true };
  notes.add(settled);
  await settle(deps, settled).catch((err: unknown) => log.warn({ err }, 'cannot remove the old container yet'));
  return { id, isChanged: true };
}

async function giveUp(deps: UpdateDeps, { id, name }: UpdateNote, cause: unknown): Promise<never> {
  const note = deps.notes.all().find((one) => one.id === id);
  if (note) await settle(deps, note);
  const { message, details } = cause instanceof LongshoreError ? cause : { message: String(cause), details: undefined };
  throw new LongshoreError('docker_error', {
    message: `Container "${name}" is as it was: ${message}`,
    ...(details !== undefined && { details }),
    cause,
  });
}

/** Ends what an update left: the old one goes when the new one has come up, else it is put back. Safe to repeat. */
export async function settle(deps: Pick<UpdateDeps, 'engine' | 'notes' | 'log'>, note: UpdateNote): Promise<void> {
  const { engine, notes } = deps;
  if (note.isUp) await engine.removeContainer(note.id, { keepsVolumes: true });
  else await putBack(deps, note);
  notes.remove(note.id);
}

async function putBack({ engine, log }: Pick<UpdateDeps, 'engine' | 'log'>, note: UpdateNote): Promise<void> {
  const old = await engine.findContainer(note.id);
  if (!old) return;
  const others = (await engine.listAll()).filter(({ id, name }) => id !== note.id && name === note.name);
  // One that never ran may be ours, made in the moment before the end of this program.
  const foreign = others.filter(({ id, state }) => id !== note.madeId && state !== 'created');
  if (foreign.length > 0) {
    log.warn({ container: note.name, left: old.name }, 'somebody else has made a container of that name meanwhile');
    return;
  }
  for (const { id } of others) await engine.removeContainer(id, { keepsVolumes: true });
  if (old.name !== note.name) await engine.renameContainer(note.id, note.name);
  if (note.wasRunning) await engine.startContainer(note.id);
}

/** Where it cannot be pulled, an image of that name that was built or loaded here since is the newest there is. */
async function fetchNewest(engine: Engine, { image, imageId }: Container): Promise<Image> {
  let fault: unknown;
  await engine.pullImage(image).catch((error: unknown) => (fault = error));
  const found = await engine.findImage(image);
  if (found && (fault === undefined || found.id !== imageId)) return found;
  throw fault ?? new LongshoreError('image_unavailable', { message: `Image "${image}" is not there` });
}

async function replace(deps: UpdateDeps, old: Container, note: UpdateNote): Promise<string> {
  const { engine, notes } = deps;
  const { name, wasRunning } = note;
  await engine.stopContainer(old.id, STOP_GRACE_MS);
  await engine.renameContainer(old.id, `${name}-before-update`);
  const id = await engine.copyContainer(old.id, name, old.image);
  notes.add({ ...note, madeId: id });
  if (!wasRunning) return id;
  await engine.startContainer(id);
  await untilUp(deps, id);
  return id;
}

async function untilUp({ engine, clock }: UpdateDeps, id: string): Promise<void> {
  const startedAt = clock.elapsed();
  for (;;) {
    const container = await engine.findContainer(id);
    const ranMs = clock.elapsed() - startedAt;
    if (!container) throw new LongshoreError('docker_error', { message: 'the new one was removed' });
    if (await isUp(engine, container, ranMs)) return;
    if (ranMs > HEALTH_LIMIT_MS) throw new LongshoreError('timed_out', { message: 'the new one did not get healthy' });
    await sleep(clock, LOOK_MS);
  }
}

async function isUp(engine: Engine, container: Container, ranMs: number): Promise<boolean> {
  const { id, state, exitCode, health, hasHealthCheck, restartCount } = container;
  if (state === 'exited' && exitCode === 0) return true; // it did its work
  if (health === 'unhealthy' || state !== 'running' || restartCount > 0) {
    const details = await lastWords(engine, id);
    throw new LongshoreError('docker_error', { message: 'the new one did not come up', ...(details && { details }) });
  }
  return hasHealthCheck ? health === 'healthy' : ranMs >= SETTLE_MS;
}

/** What it logged, without what its environment tells. */
async function lastWords(engine: Engine, id: string): Promise<string> {
  const [lines, setup] = await Promise.all([engine.tailLogs(id, 5), engine.findSetup(id)]);
  return maskCut(lines.join('\n'), secretsIn(setup?.env ?? []));
}

async function requireCopyable(engine: Engine, { id, name, image, labels, removesItself }: Container): Promise<void> {
  const reason = removesItself
    ? 'Docker removes it when it stops'
    : image.startsWith('sha256:')
      ? 'its image has no name'
      : Object.keys(labels).some((label) => label.startsWith('com.docker.swarm.'))
        ? 'it belongs to a swarm'
        : null;
  if (reason !== null) throw refusal(name, reason);
  const all = await Promise.all((await engine.listAll()).map((one) => engine.findContainer(one.id)));
  const guest = all.find((one) => one?.joins.includes(id));
  if (guest) throw refusal(name, `container "${guest.name}" lives in its namespaces`);
}

const refusal = (name: string, reason: string): LongshoreError =>
  new LongshoreError('state_conflict', { message: `Cannot update container "${name}": ${reason}` });
