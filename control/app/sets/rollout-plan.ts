// What a rollout does next. Pure: how its hosts, their members and jobs stand in, verdicts and one step out. It remembers
// nothing, so asking twice, or after a crash, gives the same answer.
//
//   first wave      one host; as long as nothing has succeeded, each wave is of one
//   further waves   at most `maxParallel`, once every job of the wave before has succeeded and its members are well
//   a failure       halts it: whoever has not had its turn keeps what it has
//   a host away     neither holds the others up nor counts as success; its turn comes when it is back. But while nothing
//                   has succeeded, one that fell silent at its work is waited for: the work may have silenced it
//
// A removal knows no waves: every host is told at once, and a failure does not keep the others.
import type { JobEndState } from '#shared/jobs.ts';
import type { ServiceRecord } from '../../store/records.ts';
import type { TargetRecord } from '../../store/set-records.ts';

/** `unsure`: not connected, but not long enough to call it away. `closed`: revoked, or its labels do not match any more. */
export type HostStanding = 'connected' | 'unsure' | 'away' | 'closed';

export interface TargetFacts extends Pick<TargetRecord, 'hostId' | 'state' | 'wave' | 'isRetry' | 'reason'> {
  host: HostStanding;
  /** How its job of this rollout stands; `unsent`: open, and not sent; null: it has none, or it was forgotten. */
  job: 'unsent' | 'open' | JobEndState | null;
  /** Why the job failed. */
  jobError: string | null;
  /** Null: there is none. */
  member: Pick<ServiceRecord, 'lifecycle' | 'health' | 'reason'> | null;
  /** Another job of its member is under way. */
  isBusy: boolean;
}

export interface RolloutFacts {
  isRemoval: boolean;
  /** False when it is halted or over: then it only learns how its last jobs ended. */
  isRunning: boolean;
  /** Why nothing may be deployed now: `the customer is suspended`. */
  heldBy: string | null;
  maxParallel: number;
  /** In the order in which their turns come. */
  targets: TargetFacts[];
}

export interface Verdict {
  hostId: string;
  /** `pending` again: its job gave way to something else. */
  state: 'pending' | 'succeeded' | 'failed' | 'skipped';
  reason: string | null;
}

export type RolloutStep =
  | { do: 'start'; wave: number; hostIds: string[]; reason: string }
  | { do: 'halt'; hostId: string; reason: string }
  | { do: 'finish' }
  | { do: 'wait'; reason: string };

export interface RolloutPlan {
  verdicts: Verdict[];
  step: RolloutStep;
}

/** Removals told in one go: each is a job, and one write holds the event loop. */
export const REMOVALS_AT_ONCE = 25;

export function planRollout(facts: RolloutFacts): RolloutPlan {
  const verdicts = facts.targets.flatMap((target) => judge(target, facts) ?? []);
  const judged = new Map(verdicts.map((verdict) => [verdict.hostId, verdict]));
  const targets = facts.targets.map((target) => after(target, judged.get(target.hostId)));
  const next = { ...facts, targets };
  return { verdicts, step: facts.isRemoval ? planRemoval(next) : planWave(next) };
}

function after(target: TargetFacts, verdict: Verdict | undefined): TargetFacts {
  if (!verdict) return target;
  return { ...target, ...verdict, wave: verdict.state === 'pending' ? null : target.wave };
}

/** Undefined: nothing is new. */
function judge(target: TargetFacts, { isRemoval, isRunning }: RolloutFacts): Verdict | undefined {
  const { hostId, state, host, job } = target;
  const isOpen = job === 'unsent' || job === 'open';
  if (host === 'closed' && !isRemoval && !isOpen && (state === 'pending' || state === 'running')) {
    return { hostId, state: 'skipped', reason: 'The host was revoked or has other labels now' };
  }
  if (state === 'running') return isOpen ? undefined : judgeEnd(target, isRemoval, isRunning);
  if (state === 'succeeded' && isRunning && !isRemoval) return judgeHealth(target, 'after its deploy');
  return undefined;
}

function judgeEnd(target: TargetFacts, isRemoval: boolean, isRunning: boolean): Verdict | undefined {
  const { hostId, job, jobError, member } = target;
  if (job === 'superseded') return { hostId, state: isRunning ? 'pending' : 'skipped', reason: null };
  if (job !== 'succeeded') return { hostId, state: 'failed', reason: jobError ?? `Its job was ${job ?? 'lost'}` };
  if (isRemoval) return { hostId, state: 'succeeded', reason: null };
  if (!member) return { hostId, state: 'skipped', reason: 'The member was removed' };
  const bad = judgeHealth(target, 'when its deploy was done');
  if (bad) return bad;
  const isSettling =
    member.lifecycle === 'deploying' || (member.lifecycle === 'running' && member.health === 'starting');
  return isSettling ? undefined : { hostId, state: 'succeeded', reason: null };
}

/** Its user may have stopped it: that is no fault of the rollout. */
function judgeHealth({ hostId, member }: TargetFacts, when: string): Verdict | undefined {
  const isBad = member?.lifecycle === 'failed' || (member?.lifecycle === 'running' && member.health === 'unhealthy');
  if (!isBad || !member) return undefined;
  const what = member.lifecycle === 'failed' ? 'failed' : 'unhealthy';
  return { hostId, state: 'failed', reason: member.reason ?? `It was ${what} ${when}` };
}

function planWave(facts: RolloutFacts): RolloutStep {
  const { targets, isRunning, heldBy, maxParallel } = facts;
  if (!isRunning) return wait('It is not running');
  const failed = targets.find(({ state }) => state === 'failed');
  if (failed) return halt(failed);
  if (heldBy !== null) return wait(heldBy);
  const active = targets.filter(holdsUp(isProven(targets)));
  const due = targets.filter((target) => target.wave !== null && isStartable(target));
  const room = Math.max(0, maxParallel - active.length);
  const [first] = due;
  if (first && room > 0) return start(first.wave ?? 1, due.slice(0, room), 'the rest of its wave');
  if (active.some(({ host }) => host !== 'away')) return wait('A wave is under way');
  if (active.length > 0) return wait('The first host went away at its work');
  return openWave(facts);
}

function openWave({ targets, maxParallel }: RolloutFacts): RolloutStep {
  const waiting = targets.filter(({ state, wave }) => state === 'pending' && wave === null);
  const ready = waiting.filter(isStartable).toSorted((a, b) => Number(b.isRetry) - Number(a.isRetry));
  const wave = Math.max(0, ...targets.map((target) => target.wave ?? 0)) + 1;
  if (ready.length > 0) {
    const isTried = isProven(targets);
    const reason = isTried ? `at most ${maxParallel} at a time` : 'one host first';
    return start(wave, ready.slice(0, isTried ? maxParallel : 1), reason);
  }
  const isUntouched = targets.every(({ state, host }) => state === 'pending' && host !== 'connected');
  const first = waiting.find(({ isBusy }) => !isBusy);
  if (isUntouched && first) return start(wave, [first], 'no host is connected: the first waits for its own');
  const open = targets.filter(({ state }) => state === 'pending' || state === 'running');
  return open.length > 0 ? wait(whyOpen(open)) : { do: 'finish' };
}

function planRemoval({ targets, isRunning }: RolloutFacts): RolloutStep {
  if (!isRunning) return wait('It is not running');
  const pending = targets.filter(({ state }) => state === 'pending');
  const wave = Math.max(0, ...targets.map((target) => target.wave ?? 0)) + 1;
  if (pending.length > 0) return start(wave, pending.slice(0, REMOVALS_AT_ONCE), 'every host is told');
  if (targets.some(({ state }) => state === 'running')) return wait('Hosts are at it');
  const failed = targets.find(({ state }) => state === 'failed');
  return failed ? halt(failed) : { do: 'finish' };
}

const isProven = (targets: readonly TargetFacts[]): boolean => targets.some(({ state }) => state === 'succeeded');

/** Whose turn it is, and has to be over first. */
const holdsUp =
  (isTried: boolean) =>
  ({ state, host, job }: TargetFacts): boolean =>
    state === 'running' && (host !== 'away' || (!isTried && job === 'open'));

const isStartable = ({ state, host, isBusy }: TargetFacts): boolean =>
  state === 'pending' && host === 'connected' && !isBusy;

function whyOpen(open: readonly TargetFacts[]): string {
  const isBusy = open.some((target) => target.host === 'connected' && target.isBusy);
  return isBusy ? 'Other jobs of members are under way' : 'Hosts are away';
}

const halt = ({ hostId, reason }: TargetFacts): RolloutStep => ({ do: 'halt', hostId, reason: reason ?? 'It failed' });
const start = (wave: number, targets: readonly TargetFacts[], reason: string): RolloutStep => ({
  do: 'start',
  wave,
  hostIds: targets.map(({ hostId }) => hostId),
  reason,
});
const wait = (reason: string): RolloutStep => ({ do: 'wait', reason });
