// `longshore jobs …`: what was asked of the hosts and how it ended.
import type { Argv } from 'yargs';
import { problemsOf } from '#shared/errors.ts';
import { JOB_STATES } from '#shared/jobs.ts';
import type { Job, JobDetail, JobStepView } from '../api-types.ts';
import { apiCommand, argument, group, withSession, type Session } from '../command.ts';
import { formatAge } from '../duration.ts';
import { requireServiceId } from '../services.ts';
import { pagingOptions, showList, type PagingArgs } from '../list.ts';
import type { Column } from '../table.ts';

export const command = group('jobs', (own, world) =>
  own
    .command(['list', 'ls'], 'List jobs, newest first', listOptions, withSession(world, list))
    .command('get <job>', 'Show one job with its steps', one, withSession(world, get))
    .command('log <job>', 'Show what a job said', one, withSession(world, log))
    .command('cancel <job>', 'Stop a job that has not ended', one, withSession(world, cancel)),
);

const one = (yargs: Argv) => argument(yargs, 'job', 'Its id');

const listOptions = (yargs: Argv) =>
  pagingOptions(apiCommand(yargs))
    .option('service', { type: 'string', describe: 'Only of this service, by name or id' })
    .option('state', { choices: JOB_STATES, describe: 'Only these' });

interface ListArgs extends PagingArgs {
  service?: string | undefined;
  state?: string | undefined;
}

const STATE_STYLE: Partial<Record<Job['state'], 'green' | 'red' | 'cyan'>> = {
  succeeded: 'green',
  failed: 'red',
  running: 'cyan',
};

const columnsAt = (nowMs: number): Column<Job>[] => [
  { title: 'ID', cell: (job) => job.id },
  { title: 'SERVICE', cell: (job) => job.service_name },
  { title: 'KIND', cell: (job) => job.kind },
  { title: 'STATE', cell: (job) => job.state, style: (_, job) => STATE_STYLE[job.state] },
  { title: 'AGE', cell: (job) => formatAge(job.created_at, nowMs) },
  { title: 'ERROR', cell: (job) => job.error && `${job.error.message} (${job.error.code})` },
];

async function list(session: Session, { page, perPage, service, state }: ListArgs): Promise<void> {
  const service_id = service === undefined ? undefined : await requireServiceId(session.client, service);
  await showList(session, '/api/jobs', { page, perPage, service_id, state }, columnsAt(session.world.clock.now()));
}

const STEP_COLUMNS: Column<JobStepView>[] = [
  { title: 'STEP', cell: (step) => step.step },
  { title: 'STATE', cell: (step) => step.state },
  { title: 'STARTED', cell: (step) => step.started_at },
  { title: 'FINISHED', cell: (step) => step.finished_at },
  { title: 'MESSAGE', cell: (step) => step.message },
];

async function get({ client, output }: Session, { job }: { job: string }): Promise<void> {
  const found = await client.get<JobDetail>(`/api/jobs/${encodeURIComponent(job)}`);
  if (output.isJson) return output.json(found);
  output.facts({
    id: found.id,
    service: `${found.service_name} (${found.service_id})`,
    kind: found.kind,
    state: found.state,
    cause: found.cause,
    error: found.error && `${found.error.message} (${found.error.code})`,
    details: detailsOf(found),
    'put back': found.rolled_back_to === null ? null : `revision ${found.rolled_back_to}`,
    'created at': found.created_at,
    'finished at': found.finished_at,
  });
  if (found.steps.length > 0) output.table(STEP_COLUMNS, found.steps);
}

const detailsOf = ({ error }: JobDetail): string =>
  [error?.details, ...problemsOf(error?.fields)].filter(Boolean).join('; ');

interface JobLog {
  data: { timestamp: string; step: string; message: string }[];
}

async function log({ client, output }: Session, { job }: { job: string }): Promise<void> {
  const found = await client.get<JobLog>(`/api/jobs/${encodeURIComponent(job)}/log`);
  if (output.isJson) return output.json(found);
  output.table(LOG_COLUMNS, found.data);
}

const LOG_COLUMNS: Column<JobLog['data'][number]>[] = [
  { title: 'AT', cell: (line) => line.timestamp },
  { title: 'STEP', cell: (line) => line.step },
  { title: 'MESSAGE', cell: (line) => line.message },
];

async function cancel({ client, output }: Session, { job }: { job: string }): Promise<void> {
  const { body } = await client.send<Job>('POST', `/api/jobs/${encodeURIComponent(job)}/cancel`);
  if (output.isJson) return output.json(body);
  output.line(`${body.id}: ${body.state}`);
}
