// The lines a finished job leaves on its service's timeline. Pure.
import type { JobKind, JobResult, ServiceSpec } from '#shared/model.ts';

export interface TimelineEntry {
  type: string;
  status: string;
  message: string;
}

/** The schema's limit on a message. */
const MESSAGE_CHARS = 4000;

const DONE: Record<JobKind, (source: string) => string> = {
  deploy: (source) => `Deployed from ${source}`,
  redeploy: (source) => `Redeployed from ${source}`,
  start: () => 'Started',
  stop: () => 'Stopped',
  restart: () => 'Restarted',
  remove: () => 'Removed',
};

export function timelineOf(kind: JobKind, result: JobResult, spec: ServiceSpec | undefined): TimelineEntry[] {
  const type = kind === 'redeploy' ? 'deploy' : kind;
  if (result.state === 'succeeded') return [{ type, status: 'success', message: DONE[kind](sourceOf(spec)) }];
  const entries: TimelineEntry[] = [{ type, status: result.state, message: wordsOf(result) }];
  if (result.rolledBackTo !== undefined) {
    const message = `Put revision ${result.rolledBackTo} back`;
    entries.push({ type: 'rollback', status: 'success', message });
  }
  return entries;
}

function sourceOf(spec: ServiceSpec | undefined): string {
  if (spec?.template) return `template ${spec.template.id}`;
  return spec?.method === 'compose' ? 'a compose file' : (spec?.method ?? 'its last revision');
}

function wordsOf({ error, failedStep }: JobResult): string {
  const where = failedStep ? `${failedStep}: ` : '';
  const details = error?.details ? `: ${error.details}` : '';
  return `${where}${error?.message ?? 'Failed'}${details}`.slice(0, MESSAGE_CHARS);
}
