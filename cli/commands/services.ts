// `longshore services …`: list them, look at one, plan and make changes, start, stop, restart, redeploy, roll back, remove.
import { randomUUID } from 'node:crypto';
import type { Argv } from 'yargs';
import { count } from '#shared/count.ts';
import type { ActionAnswer, DeployAnswer, Event, Service, ServiceDetail } from '../api-types.ts';
import { printAutoUpdate } from '../auto-update.ts';
import { apiCommand, argument, group, withSession, type Session } from '../command.ts';
import { confirm } from '../confirm.ts';
import { inWords, watchJob } from '../deploy-outcome.ts';
import { formatAge } from '../duration.ts';
import { deployKeyOptions, makeDeployKey } from '../service-deploy-key.ts';
import { drift, driftOptions } from '../service-drift.ts';
import { healingOf, setEnabled } from '../service-enablement.ts';
import { hook, hookOptions } from '../service-hook.ts';
import { checkUpdates, checkUpdatesOptions } from '../service-images.ts';
import { move, moveOptions } from '../service-move.ts';
import { plan, planOptions } from '../service-plan.ts';
import { proposal, proposalOptions } from '../service-proposal.ts';
import { revisions, revisionsOptions, rollback, rollbackOptions } from '../service-revisions.ts';
import { update, updateOptions } from '../service-update.ts';
import { requireServiceId } from '../services.ts';
import { printHealthCheck } from '../health-check.ts';
import { requireIdByName } from '../names.ts';
import { pagingOptions, showList, type PagingArgs } from '../list.ts';
import type { Column } from '../table.ts';

const STATUS_STYLE = { running: 'green', deploying: 'cyan', stopped: 'gray', failed: 'red' } as const;
const HEALTH_STYLE = { healthy: 'green', starting: 'cyan', unknown: 'gray', unhealthy: 'red' } as const;

const columnsAt = (nowMs: number): Column<Service>[] => [
  { title: 'NAME', cell: (service) => service.name },
  { title: 'STATUS', cell: (service) => service.status, style: (_, service) => STATUS_STYLE[service.status] },
  {
    title: 'HEALTH',
    cell: (service) => service.health.status,
    style: (_, service) => HEALTH_STYLE[service.health.status],
  },
  { title: 'RESTARTS', cell: (service) => service.restart_count },
  { title: 'REV', cell: (service) => service.running_revision },
  { title: 'UPDATE', cell: (service) => (service.update_available ? 'newer' : null), style: () => 'yellow' },
  { title: 'AGE', cell: (service) => formatAge(service.created_at, nowMs) },
  { title: 'ID', cell: (service) => service.id },
  { title: 'URL', cell: (service) => service.url },
  { title: 'REASON', cell: (service) => service.reason },
];

export const command = group('services', (own, world) =>
  own
    .command(['list', 'ls'], 'List services', listOptions, withSession(world, list))
    .command('get <service>', 'Show one service', one, withSession(world, get))
    .command(
      'update <service>',
      'Change it; deploys what the change concerns',
      updateOptions,
      withSession(world, update),
    )
    .command('start <service>', 'Start its containers', waiting, withSession(world, act('start')))
    .command('stop <service>', 'Stop its containers', waiting, withSession(world, act('stop')))
    .command('restart <service>', 'Restart its containers', waiting, withSession(world, act('restart')))
    .command('move <service>', 'Move it to another host, with its data', moveOptions, withSession(world, move))
    .command('enable <service>', 'Have its host heal it', one, withSession(world, setEnabled('enable')))
    .command('disable <service>', 'Have its host leave it alone', one, withSession(world, setEnabled('disable')))
    .command('redeploy <service>', 'Pull newer images and deploy', redeployOptions, withSession(world, redeploy))
    .command('check-updates <service>', 'Look for newer images', checkUpdatesOptions, withSession(world, checkUpdates))
    .command('plan <service>', 'Show what a change or a redeploy would do', planOptions, withSession(world, plan))
    .command(
      'revisions <service> [revision]',
      'Show what it was before',
      revisionsOptions,
      withSession(world, revisions),
    )
    .command(
      'rollback <service> [revision]',
      'Put an earlier revision back',
      rollbackOptions,
      withSession(world, rollback),
    )
    .command('drift <service>', 'Show what differs from its revision', driftOptions, withSession(world, drift))
    .command(
      'proposal <service>',
      'Show what an AI proposes to deploy; approve or reject it',
      proposalOptions,
      withSession(world, proposal),
    )
    .command('hook <service>', 'Make its push hook, for services from Git', hookOptions, withSession(world, hook))
    .command(
      'deploy-key <service>',
      'Make the key for its repository by ssh',
      deployKeyOptions,
      withSession(world, makeDeployKey),
    )
    .command('rm <service>', 'Remove it with its data', removeOptions, withSession(world, remove))
    .command('events <service>', 'Show what happened to it', eventOptions, withSession(world, events)),
);

const one = <T>(yargs: Argv<T>) => argument(yargs, 'service', 'Its name or id');

const waiting = <T>(yargs: Argv<T>) =>
  one(yargs).option('wait', { type: 'boolean', default: true, describe: 'Wait until it is done' });

const redeployOptions = <T>(yargs: Argv<T>) =>
  one(yargs)
    .option('follow', { type: 'boolean', default: false, alias: 'F', describe: 'Show the progress until it ends' })
    .option('pull', { choices: ['missing', 'always', 'never'] as const, describe: 'When to pull images' })
    .option('plan-id', { type: 'string', requiresArg: true, describe: 'Only if it would do what was planned' })
    .option('review', { type: 'boolean', describe: 'Stop at the plan, for a service by AI' });

const removeOptions = <T>(yargs: Argv<T>) =>
  one(yargs).option('yes', { type: 'boolean', default: false, alias: 'y', describe: 'Do not ask' });

const eventOptions = <T>(yargs: Argv<T>) =>
  pagingOptions(one(yargs)).option('type', { type: 'string', describe: 'Only events of this type' });

const listOptions = <T>(yargs: Argv<T>) =>
  pagingOptions(apiCommand(yargs))
    .option('status', { choices: ['running', 'stopped', 'deploying', 'failed'] as const, describe: 'Only these' })
    .option('search', { type: 'string', describe: 'Part of the name' })
    .option('update-available', { type: 'boolean', describe: 'Only those with a newer image' })
    .option('host', { type: 'string', describe: 'Only on this host, by name or id' })
    .option('sort', { choices: ['name', 'status', 'created_at', 'updated_at'] as const, default: 'name' as const })
    .option('order', { choices: ['asc', 'desc'] as const, default: 'asc' as const });

interface ListArgs extends PagingArgs {
  status?: string | undefined;
  search?: string | undefined;
  host?: string | undefined;
  updateAvailable?: boolean | undefined;
  sort: string;
  order: string;
}

interface ServiceArgs {
  service: string;
}

async function list(session: Session, args: ListArgs): Promise<void> {
  const { page, perPage, status, search, host, updateAvailable, sort, order } = args;
  const host_id = host && (await requireIdByName(session.client, 'host', host));
  const query = { page, perPage, status, search, host_id, update_available: updateAvailable, sort, order };
  await showList(session, '/api/services', query, columnsAt(session.world.clock.now()));
}

async function get({ client, output }: Session, { service }: ServiceArgs): Promise<void> {
  const id = await requireServiceId(client, service);
  const found = await client.get<ServiceDetail>(`/api/services/${id}`);
  if (output.isJson) return output.json(found);
  output.facts({
    name: found.name,
    id: found.id,
    status: found.status,
    health: healthOf(found.health),
    'health checks': found.health_checks.map(printHealthCheck).join('; '),
    reason: found.reason,
    healing: healingOf(found),
    url: found.url,
    deployed: found.template ? `template ${found.template}` : found.deploy_method,
    revision: `${found.revision} wanted, ${found.running_revision ?? 'none'} running`,
    drift: found.drift && `${found.drift.state === 'drifted' ? 'drifted' : 'in sync'} since ${found.drift.since}`,
    updates: updatesOf(found),
    'auto-update': found.auto_update && printAutoUpdate(found.auto_update),
    host: found.host_id,
    labels: Object.entries(found.labels)
      .map(([name, value]) => `${name}=${value}`)
      .join(' '),
    'created at': found.created_at,
    'deployed at': found.deployed_at,
  });
  for (const container of found.containers) {
    const ports = container.ports.map((port) => `${port.address}:${port.host}->${port.container}/${port.protocol}`);
    output.facts({ [`container ${container.service}`]: [container.state, container.health, ...ports].join(' ') });
  }
}

/** With what a check that fails said last. */
function healthOf({ status, consecutive_failures: failures, last_output: output }: ServiceDetail['health']): string {
  const [firstLine] = (output ?? '').split('\n');
  return failures === null || failures === 0
    ? status
    : `${status}, ${count(failures, 'failure')} in a row: ${firstLine}`;
}

/** The images that have a newer one, or why nobody knows. */
function updatesOf({ updates, updates_checked_at: checkedAt }: ServiceDetail): string | null {
  if (checkedAt === null) return null;
  const newer = updates.filter(({ state }) => state === 'newer').map(({ image }) => `newer ${image}`);
  const unknown = updates.filter(({ state }) => state === 'unknown').map(({ reason }) => reason ?? 'unknown');
  return [...newer, ...unknown].join('; ') || 'none';
}

const act =
  (verb: 'start' | 'stop' | 'restart') =>
  async (session: Session, { service, wait }: ServiceArgs & { wait: boolean }): Promise<void> => {
    const { client, output } = session;
    const id = await requireServiceId(client, service);
    const { status, body } = await client.send<ActionAnswer>('POST', `/api/services/${id}/${verb}`, {
      query: { wait: wait ? undefined : 0 },
    });
    // Past the API's own patience the job goes on; so do we.
    if (wait && status === 202) await watchJob(session, { id: body.job_id, serviceId: id });
    if (output.isJson) return output.json(body);
    output.line(`${service}: ${wait ? PAST[verb] : `job ${body.job_id}`}`);
  };

const PAST = { start: 'started', stop: 'stopped', restart: 'restarted' } as const;

interface RedeployArgs extends ServiceArgs {
  follow: boolean;
  pull?: string | undefined;
  planId?: string | undefined;
  review?: boolean | undefined;
}

async function redeploy(session: Session, { service, follow, pull, planId, review }: RedeployArgs): Promise<void> {
  const { client, output } = session;
  const id = await requireServiceId(client, service);
  const { body } = await client.send<DeployAnswer>('POST', `/api/services/${id}/redeploy`, {
    body: {
      ...(pull !== undefined && { pull }),
      ...(planId !== undefined && { plan_id: planId }),
      ...(review !== undefined && { review }),
    },
    idempotencyKey: randomUUID(),
  });
  if (!follow) return output.isJson ? output.json(body) : output.line(`${service}: job ${body.deploy_job_id}`);
  const job = await watchJob(session, { id: body.deploy_job_id, serviceId: id });
  if (output.isJson) return output.json(job);
  output.line(inWords(job, 'redeployed'));
}

async function remove(session: Session, { service, yes }: ServiceArgs & { yes: boolean }): Promise<void> {
  const { world, client, output } = session;
  const id = await requireServiceId(client, service);
  const question = `Remove "${service}" with its containers, networks and volumes?`;
  if (!yes) await confirm(world, 'Removing a service', question);
  const { status, body } = await client.send<{ job_id?: string } | undefined>('DELETE', `/api/services/${id}`);
  if (output.isJson) return output.json(body ?? null);
  if (status === 204) return output.line(`${service}: removed`);
  output.line(`${service}: will be removed when its host is back, job ${body?.job_id}`);
}

interface EventArgs extends ServiceArgs, PagingArgs {
  type?: string | undefined;
}

async function events(session: Session, { service, page, perPage, type }: EventArgs): Promise<void> {
  const id = await requireServiceId(session.client, service);
  await showList(session, `/api/services/${id}/events`, { page, perPage, type }, EVENT_COLUMNS);
}

const EVENT_COLUMNS: Column<Event>[] = [
  { title: 'AT', cell: (event) => event.timestamp },
  { title: 'TYPE', cell: (event) => event.type },
  { title: 'STATUS', cell: (event) => event.status },
  { title: 'MESSAGE', cell: (event) => event.message },
];
