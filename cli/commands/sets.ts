// `longshore sets …`: services on several hosts. Look at them and their rollouts, change them in waves, remove them.
import { randomUUID } from 'node:crypto';
import type { Argv } from 'yargs';
import { LongshoreError } from '#shared/errors.ts';
import { apiCommand, argument, group, withSession, type Session } from '../command.ts';
import { confirm } from '../confirm.ts';
import { formatAge } from '../duration.ts';
import { followRollout } from '../follow-rollout.ts';
import { pagingOptions, showList, type PagingArgs } from '../list.ts';
import { requireIdByName } from '../names.ts';
import { changeFields, changeOf, requireChange, type ChangeFields } from '../service-update.ts';
import type { Rollout, RolloutDetail, RolloutHost, ServiceSet, ServiceSetDetail, SetMember } from '../set-types.ts';
import type { Column } from '../table.ts';

export const command = group('sets', (own, world) =>
  own
    .command(['list', 'ls'], 'List sets', listOptions, withSession(world, list))
    .command('get <set>', 'Show one and its members', one, withSession(world, get))
    .command('update <set>', 'Change it; the change rolls out in waves', updateOptions, withSession(world, update))
    .command('redeploy <set>', 'Pull newer images and deploy, in waves', redeployOptions, withSession(world, redeploy))
    .command(
      'rollouts <set> [rollout]',
      'Show the last rollouts, or one',
      rolloutsOptions,
      withSession(world, rollouts),
    )
    .command('resume <set>', 'Go on with a halted rollout', following, withSession(world, resume))
    .command('cancel <set>', 'End its rollout; who had no turn keeps what it has', one, withSession(world, cancel))
    .command('rm <set>', 'Remove it with all members and their data', removeOptions, withSession(world, remove)),
);

const one = <T>(yargs: Argv<T>) => argument(yargs, 'set', 'Its name or id');

const following = <T>(yargs: Argv<T>) =>
  one(yargs).option('follow', {
    type: 'boolean',
    default: false,
    alias: 'F',
    describe: 'Show the hosts until it ends',
  });

const listOptions = (yargs: Argv) =>
  pagingOptions(apiCommand(yargs))
    .option('search', { type: 'string', describe: 'Part of the name' })
    .option('sort', { choices: ['name', 'created_at', 'updated_at'] as const, default: 'name' as const })
    .option('order', { choices: ['asc', 'desc'] as const, default: 'asc' as const });

const updateOptions = <T>(yargs: Argv<T>) =>
  changeFields(following(yargs))
    .option('max-parallel', { type: 'number', requiresArg: true, describe: 'How many members change at a time' })
    .hide('watch'); // of single services

const redeployOptions = <T>(yargs: Argv<T>) =>
  following(yargs).option('pull', {
    choices: ['missing', 'always', 'never'] as const,
    describe: 'When to pull images',
  });

const rolloutsOptions = <T>(yargs: Argv<T>) =>
  pagingOptions(one(yargs)).positional('rollout', { type: 'string', describe: 'Its id' });

const removeOptions = <T>(yargs: Argv<T>) =>
  one(yargs).option('yes', { type: 'boolean', default: false, alias: 'y', describe: 'Do not ask' });

const columnsAt = (nowMs: number): Column<ServiceSet>[] => [
  { title: 'NAME', cell: (set) => set.name },
  { title: 'STATE', cell: (set) => set.state, style: (_, set) => (set.state === 'halted' ? 'red' : 'green') },
  { title: 'MEMBERS', cell: (set) => set.counts.total },
  { title: 'RUNNING', cell: (set) => set.counts.running },
  { title: 'UP TO DATE', cell: (set) => set.counts.up_to_date },
  { title: 'REV', cell: (set) => set.revision },
  { title: 'AGE', cell: (set) => formatAge(set.created_at, nowMs) },
  { title: 'ID', cell: (set) => set.id },
];

const MEMBER_COLUMNS: Column<SetMember>[] = [
  { title: 'HOST', cell: (member) => member.host_name },
  { title: 'STATUS', cell: (member) => member.status },
  { title: 'HEALTH', cell: (member) => member.health },
  { title: 'REV', cell: (member) => member.running_revision },
  { title: 'UP TO DATE', cell: (member) => (member.up_to_date ? 'yes' : 'no') },
  { title: 'ID', cell: (member) => member.service_id },
  { title: 'REASON', cell: (member) => member.reason },
];

const rolloutColumnsAt = (nowMs: number): Column<Rollout>[] => [
  { title: 'ID', cell: (rollout) => rollout.id },
  { title: 'KIND', cell: (rollout) => rollout.kind },
  { title: 'STATE', cell: (rollout) => rollout.state },
  { title: 'REV', cell: (rollout) => rollout.set_revision },
  { title: 'DONE', cell: ({ hosts }) => `${hosts.succeeded} of ${Object.values(hosts).reduce((a, b) => a + b)}` },
  { title: 'BY', cell: (rollout) => rollout.made_by },
  { title: 'AGE', cell: (rollout) => formatAge(rollout.created_at, nowMs) },
  { title: 'REASON', cell: (rollout) => rollout.halted_by?.reason ?? null },
];

interface HostRow extends RolloutHost {
  wave: number | null;
}

const HOST_COLUMNS: Column<HostRow>[] = [
  { title: 'WAVE', cell: (host) => host.wave },
  { title: 'HOST', cell: (host) => host.host_name },
  { title: 'STATE', cell: (host) => host.state },
  { title: 'JOB', cell: (host) => host.job_id },
  { title: 'REASON', cell: (host) => host.reason },
];

interface SetArgs {
  set: string;
}

interface FollowArgs extends SetArgs {
  follow: boolean;
}

async function list(session: Session, args: PagingArgs & { search?: string | undefined; sort: string; order: string }) {
  const { page, perPage, search, sort, order } = args;
  const query = { page, perPage, search, sort, order };
  await showList(session, '/api/service-sets', query, columnsAt(session.world.clock.now()));
}

async function get({ client, output }: Session, { set }: SetArgs): Promise<void> {
  const found = await client.get<ServiceSetDetail>(await pathOf(client, set));
  if (output.isJson) return output.json(found);
  const { rollout, placement, counts } = found;
  output.facts({
    name: found.name,
    id: found.id,
    state: found.state,
    revision: found.revision,
    members: `${counts.total}, ${counts.running} running, ${counts.up_to_date} up to date`,
    hosts: Object.entries(placement.labels)
      .map(([name, value]) => `${name}=${value}`)
      .join(' '),
    'max parallel': placement.max_parallel,
    rollout: rollout && `${rollout.id} ${rollout.kind} ${rollout.state}`,
    halted: rollout?.halted_by?.reason ?? null,
  });
  output.table(MEMBER_COLUMNS, found.members);
}

async function update(session: Session, args: ChangeFields & FollowArgs & { maxParallel?: number | undefined }) {
  const { set, maxParallel } = args;
  const change = { ...changeOf(args), ...(maxParallel !== undefined && { placement: { max_parallel: maxParallel } }) };
  requireChange(change);
  const changed = await send<{ rollout_id: string | null }>(
    session,
    'PATCH',
    await pathOf(session.client, set),
    change,
  );
  await conclude(session, args, changed);
}

async function redeploy(session: Session, args: FollowArgs & { pull?: string | undefined }): Promise<void> {
  const { set, pull } = args;
  const path = `${await pathOf(session.client, set)}/redeploy`;
  await conclude(session, args, await send(session, 'POST', path, pull === undefined ? {} : { pull }));
}

async function resume(session: Session, args: FollowArgs): Promise<void> {
  const { id } = await act(session, args.set, 'resume');
  await conclude(session, args, { rollout_id: id });
}

async function cancel(session: Session, { set }: SetArgs): Promise<void> {
  const rollout = await act(session, set, 'cancel');
  if (session.output.isJson) return session.output.json(rollout);
  session.output.line(`${set}: rollout ${rollout.id} is cancelled`);
}

async function rollouts(
  session: Session,
  args: SetArgs & PagingArgs & { rollout?: string | undefined },
): Promise<void> {
  const { client, output, world } = session;
  const { page, perPage, rollout: id } = args;
  const path = `${await pathOf(client, args.set)}/rollouts`;
  if (id === undefined) return showList(session, path, { page, perPage }, rolloutColumnsAt(world.clock.now()));
  const rollout = await client.get<RolloutDetail>(`${path}/${encodeURIComponent(id)}`);
  if (output.isJson) return output.json(rollout);
  const waves = rollout.waves.flatMap(({ wave, hosts }) => hosts.map((host) => ({ ...host, wave })));
  output.table(HOST_COLUMNS, [...waves, ...rollout.waiting.map((host) => ({ ...host, wave: null }))]);
}

async function remove({ client, output, world }: Session, { set, yes }: SetArgs & { yes: boolean }): Promise<void> {
  const path = await pathOf(client, set);
  const { counts } = await client.get<ServiceSet>(path);
  if (!yes) await confirm(world, 'Removing a set', `Remove "${set}" with ${counts.total} members and all their data?`);
  const { status, body } = await client.send<{ rollout_id: string } | null>('DELETE', path);
  if (output.isJson) return output.json(body ?? null);
  output.line(`${set}: ${status === 204 ? 'removed' : `being removed, rollout ${body?.rollout_id}`}`);
}

/** Of its rollout that is running or halted. Throws `state_conflict` when there is none. */
async function act(session: Session, set: string, verb: 'resume' | 'cancel'): Promise<RolloutDetail> {
  const path = await pathOf(session.client, set);
  const { rollout } = await session.client.get<ServiceSet>(path);
  if (!rollout) throw new LongshoreError('state_conflict', { message: `"${set}" has no rollout` });
  return send(session, 'POST', `${path}/rollouts/${rollout.id}/${verb}`);
}

/** One key for all tries: what got no answer is not done twice. */
async function send<T>({ client }: Session, method: 'PATCH' | 'POST', path: string, body: object = {}): Promise<T> {
  return (await client.send<T>(method, path, { body, idempotencyKey: randomUUID() })).body;
}

async function conclude(session: Session, { set, follow }: FollowArgs, answer: { rollout_id: string | null }) {
  const { output, client } = session;
  const { rollout_id: rolloutId } = answer;
  if (rolloutId !== null && follow) {
    return followRollout(session, { id: await requireIdByName(client, 'set', set), name: set }, rolloutId);
  }
  if (output.isJson) return output.json(answer);
  output.line(`${set}: ${rolloutId === null ? 'changed, nothing to deploy' : `rollout ${rolloutId}`}`);
}

const pathOf = async (client: Session['client'], set: string): Promise<string> =>
  `/api/service-sets/${await requireIdByName(client, 'set', set)}`;
