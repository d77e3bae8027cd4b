// What is next in a move. Pure: how its jobs stand in, one decision with its reason out. A control plane that starts again,
// and hosts that were away for a while, find the same decision.
//
//   forward    copy, stop, backup, deploy ─▶ the service is the new host's ─▶ rest, remove
//   back       what is open was called off; clear, start
//
// Nothing is destroyed before the new one is up, and the old one never starts while the new one may run. Where the old host
// is lost, its stop is only left for it: nobody waits, and there is nothing to copy or to remove.
import type { WireError } from '#shared/errors.ts';
import { isJobEnd, type JobState } from '#shared/jobs.ts';
import type { MoveEnd, MoveRecord, MoveStep } from '../../store/move-records.ts';

export interface StepJob {
  state: JobState;
  error: WireError | null;
  /** Its host has begun with it. */
  isBegun: boolean;
}

export interface MoveFacts extends Pick<MoveRecord, 'state' | 'wasRunning' | 'keepsOld' | 'error'> {
  isRestore: boolean;
  isSwitched: boolean;
  hasService: boolean;
  /** Others of the same restore are at it: their hosts and repositories take so many at a time. */
  mustQueue: boolean;
  /** Whether the host was shut out: nothing more is heard of it, and nothing can be asked of it. */
  isFromShut: boolean;
  isToShut: boolean;
  jobs: Partial<Record<MoveStep, StepJob>>;
}

type MoveShape = Pick<MoveFacts, 'isRestore' | 'wasRunning' | 'keepsOld' | 'hasService' | 'isFromShut'>;

export type MoveDecision =
  | { do: 'begin'; step: MoveStep; why: string }
  | { do: 'wait'; step: MoveStep; why: string }
  | { do: 'undo'; error: WireError; why: string }
  | { do: 'end'; state: MoveEnd; error: WireError | null; why: string };

const WHY: Record<MoveStep, string> = {
  copy: 'most of the data goes while the service runs on',
  stop: 'what is written from now on would be lost',
  backup: 'the rest of the data, of a service that stands still',
  deploy: 'on the new host, with the data',
  rest: 'it did not run before',
  remove: 'the new one is up',
  clear: 'what was begun on the new host must not run beside the old one',
  start: 'it ran before',
};

export const planMove = (facts: MoveFacts): MoveDecision =>
  facts.state === 'undoing' ? planBack(facts) : facts.isSwitched ? planAfter(facts) : planForward(facts);

function planForward(facts: MoveFacts): MoveDecision {
  if (!facts.hasService) return undo(GONE);
  if (facts.isToShut) return undo({ code: 'revoked', message: 'The new host was revoked' });
  for (const step of forwardSteps(facts)) {
    const job = facts.jobs[step];
    if (!job && step === 'deploy' && facts.mustQueue) return { do: 'wait', step, why: 'others go first' };
    if (!job) return begin(step);
    if (facts.isRestore && step === 'stop') continue; // left for a host that may never return
    if (!isJobEnd(job.state)) return wait(step);
    if (job.state !== 'succeeded') return undo(faultOf(step, job));
  }
  // Its end switches in the same write: it is not seen here.
  return undo({ code: 'internal', message: 'The deploy ended and the service is still on its old host' });
}

function forwardSteps({ isRestore, wasRunning, isFromShut }: MoveShape): MoveStep[] {
  if (isRestore) return isFromShut ? ['deploy'] : ['stop', 'deploy'];
  return wasRunning ? ['copy', 'stop', 'backup', 'deploy'] : ['backup', 'deploy'];
}

/** The service is up where it is to be: what is left is tidying, and its failure is told, not undone. */
function planAfter(facts: MoveFacts): MoveDecision {
  const { jobs } = facts;
  const steps = afterSteps(facts);
  for (const step of steps) {
    const job = jobs[step];
    if (!job) return begin(step);
    if (!isJobEnd(job.state)) return wait(step);
  }
  const [fault] = steps.flatMap((step) => {
    const job = jobs[step];
    return job && job.state !== 'succeeded' ? [faultOf(step, job)] : [];
  });
  return { do: 'end', state: 'succeeded', error: fault ?? null, why: 'it runs on its new host' };
}

function afterSteps({ hasService, wasRunning, keepsOld, isFromShut }: MoveShape): MoveStep[] {
  return [
    ...(!wasRunning && hasService ? ['rest' as const] : []),
    ...(!keepsOld && !isFromShut ? ['remove' as const] : []),
  ];
}

/** Those of its way there, and those that were taken on the way back. */
export function stepsOf(facts: MoveFacts): MoveStep[] {
  const there = [...forwardSteps(facts), ...afterSteps(facts)];
  return [...there, ...(['clear', 'start'] as const).filter((step) => facts.jobs[step])];
}

function planBack(facts: MoveFacts): MoveDecision {
  const { jobs, isRestore, isToShut, isFromShut, hasService, wasRunning, error } = facts;
  for (const step of ['copy', 'stop', 'backup', 'deploy'] as const) {
    const job = jobs[step];
    if (job && !isJobEnd(job.state) && !(isRestore && step === 'stop'))
      return { do: 'wait', step, why: 'it was called off' };
  }
  const { stop, deploy, clear, start } = jobs;
  if (deploy?.isBegun && !isToShut) {
    if (!clear) return begin('clear');
    if (!isJobEnd(clear.state)) return wait('clear');
    if (clear.state !== 'succeeded') return uncleared(error, faultOf('clear', clear));
  }
  if (stop && hasStopped(stop) && wasRunning && hasService && !isFromShut) {
    if (!start) return begin('start');
    if (!isJobEnd(start.state) && !isRestore) return wait('start');
  }
  const left = [start ? failed('start', start) : undefined];
  const state = error?.code === 'cancelled' ? 'cancelled' : 'failed';
  return { do: 'end', state, error: withMore(error, left), why: 'it is where it was' };
}

const begin = (step: MoveStep): MoveDecision => ({ do: 'begin', step, why: WHY[step] });
const wait = (step: MoveStep): MoveDecision => ({ do: 'wait', step, why: WHY[step] });
const undo = (error: WireError): MoveDecision => ({ do: 'undo', error, why: error.message });

const GONE: WireError = { code: 'not_found', message: 'The service is gone' };

/** Or will, where it was sent. */
const hasStopped = ({ state, isBegun }: StepJob): boolean => isBegun || !isJobEnd(state);

const failed = (step: MoveStep, job: StepJob): WireError | undefined =>
  isJobEnd(job.state) && job.state !== 'succeeded' ? faultOf(step, job) : undefined;

function faultOf(step: MoveStep, { state, error }: StepJob): WireError {
  if (error) return { ...error, message: `${step}: ${error.message}` };
  return { code: state === 'cancelled' ? 'cancelled' : 'interrupted', message: `${step}: the job was ${state}` };
}

/** Two of them would be worse than none. */
const uncleared = (error: WireError | null, fault: WireError): MoveDecision => {
  const out = 'The new host may still run it, so the old one is not started: remove what is left there, then start it';
  const told = withMore(error, [fault, { code: fault.code, message: out }]);
  return { do: 'end', state: error?.code === 'cancelled' ? 'cancelled' : 'failed', error: told, why: out };
};

/** The first reason says why; what else went wrong on the way back is in its details. */
function withMore(error: WireError | null, more: readonly (WireError | undefined)[]): WireError | null {
  const texts = more.flatMap((one) => (one ? [one.message] : []));
  if (!error || texts.length === 0) return error;
  return { ...error, details: [error.details, ...texts].filter((text) => text !== undefined).join('\n') };
}
