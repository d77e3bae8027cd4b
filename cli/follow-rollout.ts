// Follows a rollout to its end: a line for each host whose state is new, and how it all came out.
import { sleep } from '#shared/time.ts';
import type { Session } from './command.ts';
import { JobFailedError } from './failures.ts';
import type { RolloutDetail, RolloutHost, ServiceSet } from './set-types.ts';

/** A wave takes seconds at least. */
const LOOK_MS = 1000;

export interface FollowedSet {
  id: string;
  name: string;
}

/** The rollout that a set is in now. */
export async function followSet(session: Session, { id, name }: FollowedSet): Promise<void> {
  const { rollout } = await session.client.get<ServiceSet>(`/api/service-sets/${id}`);
  if (rollout) await followRollout(session, { id, name }, rollout.id);
}

/** Shows its hosts until it ends or halts. Throws JobFailedError for every end but a good one. */
export async function followRollout(session: Session, set: FollowedSet, rolloutId: string): Promise<void> {
  const { client, output, world } = session;
  const shown = new Map<string, string>();
  for (;;) {
    const rollout = await client.get<RolloutDetail>(`/api/service-sets/${set.id}/rollouts/${rolloutId}`);
    if (!output.isJson) showNews(session, rollout, shown);
    if (rollout.state !== 'running') return conclude(session, set, rollout);
    await sleep(world.clock, LOOK_MS, world.interruption());
  }
}

function showNews({ output }: Session, { waves, waiting }: RolloutDetail, shown: Map<string, string>): void {
  for (const host of [...waves.flatMap(({ hosts }) => hosts), ...waiting.filter(({ reason }) => reason !== null)]) {
    const line = describe(host);
    if (shown.get(host.host_id) !== line) output.note(line);
    shown.set(host.host_id, line);
  }
}

const describe = ({ host_name: name, state, reason }: RolloutHost): string =>
  `${name}: ${state}${reason === null ? '' : ` (${reason})`}`;

function conclude({ output }: Session, { id, name }: FollowedSet, rollout: RolloutDetail): void {
  if (rollout.state !== 'succeeded') throw failureOf(rollout, { id, name });
  if (output.isJson) return output.json(rollout);
  output.line(`${name}: rolled out to ${rollout.hosts.succeeded}`);
}

function failureOf({ state, halted_by: halt }: RolloutDetail, { id, name }: FollowedSet): JobFailedError {
  const error = halt && { code: 'state_conflict', message: halt.reason ?? 'A member failed' };
  const log = halt?.job_id ? `; \`longshore jobs log ${halt.job_id}\` shows why` : '';
  const hint =
    state === 'halted'
      ? `\`longshore sets resume ${id}\` tries it again${log}`
      : `\`longshore sets get ${id}\` shows how it stands`;
  return JobFailedError.from(`The rollout of "${name}" is ${state}`, error, hint);
}
