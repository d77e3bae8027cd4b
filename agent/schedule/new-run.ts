// How a run begins: with what it is to be done for, or ended at once with the reason.
import { isHostKind, type RunTarget, type ScheduleRun, type ScheduleSpec } from '#shared/schedule/schedule.ts';
import type { AgentState } from '../state/open.ts';
import { aim } from './aim.ts';
import { candidatesOf } from './candidates.ts';
import type { Due } from './due.ts';

/** Whoever asks for a run now does not mean tonight. */
const ASKED_LIMIT_MS = 10 * 60_000;

type Planned = NonNullable<Due['run']> & { id: string };

/** Undefined: this host has nothing that is meant, and nobody named it. */
export function newRun(
  state: AgentState,
  spec: ScheduleSpec,
  { reason, ...due }: Planned,
  now: number,
): ScheduleRun | undefined {
  const common = { ...due, scheduleId: spec.id, startedAt: now };
  const skipped = { ...common, state: 'skipped' as const, finishedAt: now };
  const targets = targetsOf(state, spec);
  if (targets.length === 0 && !('serviceId' in spec.targets)) return undefined;
  if (reason !== null) return { ...skipped, reason, targets: [] };
  if (targets.some((target) => target.state === 'pending'))
    return { ...common, state: 'running', reason: null, finishedAt: null, targets };
  const [only, ...others] = targets;
  const why = only ? (others.length === 0 ? only.reason : 'nothing was to be done') : 'the service is not here';
  return { ...skipped, reason: why, targets };
}

/** The same for one that was asked for by hand: it always has an answer. */
export function askedRun(
  state: AgentState,
  spec: ScheduleSpec | undefined,
  { asked, isRunning }: { asked: ScheduleRun; isRunning: boolean },
  now: number,
): ScheduleRun {
  const skip = (why: string): ScheduleRun => ({
    ...asked,
    state: 'skipped',
    reason: why,
    startedAt: now,
    finishedAt: now,
  });
  if (!spec) return skip('the host does not know the schedule');
  if (now - asked.dueAt > ASKED_LIMIT_MS) return skip('it reached the host too late');
  const { id, dueAt, trigger, missed } = asked;
  const reason = isRunning ? 'the run before has not ended' : null;
  return newRun(state, spec, { id, dueAt, trigger, missed, reason }, now) ?? skip('no service here is meant by it');
}

const UNTOUCHED = { reason: null, jobId: null, output: null } as const;

function targetsOf(state: AgentState, spec: ScheduleSpec): RunTarget[] {
  const aims = aim(spec, candidatesOf(state));
  if (isHostKind(spec.kind)) {
    const isMeant = aims.length > 0 || 'isAll' in spec.targets;
    return isMeant ? [{ ...UNTOUCHED, serviceId: null, serviceName: null, state: 'pending' }] : [];
  }
  return aims.map(({ skip, ...one }) => {
    return { ...UNTOUCHED, ...one, state: skip === null ? 'pending' : 'skipped', reason: skip };
  });
}
