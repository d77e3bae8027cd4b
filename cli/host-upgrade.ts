// `longshore hosts upgrade …`: the agents of hosts, in waves, to the version that the control plane offers.
import { randomUUID } from 'node:crypto';
import type { Argv } from 'yargs';
import { sleep } from '#shared/time.ts';
import { apiCommand, argument, type Session } from './command.ts';
import { formatAge } from './duration.ts';
import { JobFailedError } from './failures.ts';
import { pagingOptions, showList, type PagingArgs } from './list.ts';
import { requireIdByName } from './names.ts';
import { parsePairs } from './pairs.ts';
import type { Rollout } from './set-types.ts';
import type { Column } from './table.ts';

interface Upgrade extends Pick<Rollout, 'id' | 'state' | 'hosts' | 'made_by' | 'created_at'> {
  version: string;
  halted_by: { host_id: string; reason: string | null } | null;
}

interface UpgradeHost {
  host_id: string;
  host_name: string;
  state: keyof Rollout['hosts'];
  from_version: string | null;
  phase: string | null;
  percent: number | null;
  reason: string | null;
}

interface UpgradeDetail extends Upgrade {
  waves: { wave: number; hosts: UpgradeHost[] }[];
  waiting: UpgradeHost[];
}

/** A host takes seconds at least. */
const LOOK_MS = 1000;
const PATH = '/api/hosts/upgrades';

const followOption = <T>(yargs: Argv<T>) =>
  yargs.option('follow', { type: 'boolean', default: false, alias: 'F', describe: 'Show the hosts until it ends' });

export const upgradeOptions = (yargs: Argv) =>
  followOption(apiCommand(yargs))
    .positional('hosts', { type: 'string', array: true, default: [], describe: 'Their names or ids; none: all' })
    .option('label', { type: 'string', array: true, nargs: 1, default: [], describe: 'Only hosts with it, K=V' })
    .option('wave', { type: 'string', requiresArg: true, describe: 'Hosts at a time after the first, 5 or 20% (10%)' })
    .option('to', { type: 'string', requiresArg: true, describe: 'Fail unless this is the version that is offered' })
    .option('allow-downgrade', { type: 'boolean', default: false, describe: 'Also hosts that have a newer one' });

export const upgradesOptions = (yargs: Argv) =>
  pagingOptions(apiCommand(yargs)).positional('upgrade', { type: 'string', describe: 'Its id' });

export const oneUpgrade = (yargs: Argv) => argument(yargs, 'upgrade', 'Its id');
export const followedUpgrade = (yargs: Argv) => followOption(oneUpgrade(yargs));

interface UpgradeArgs {
  hosts: string[];
  label: string[];
  wave?: string | undefined;
  to?: string | undefined;
  allowDowngrade: boolean;
  follow: boolean;
}

export async function upgrade(session: Session, args: UpgradeArgs): Promise<void> {
  const { client } = session;
  const ids = await Promise.all(args.hosts.map((host) => requireIdByName(client, 'host', host)));
  const body = {
    ...(ids.length > 0 && { host_ids: ids }),
    ...(args.label.length > 0 && { labels: parsePairs(args.label, '--label') }),
    ...(args.wave !== undefined && { wave: args.wave }),
    ...(args.to !== undefined && { version: args.to }),
    ...(args.allowDowngrade && { allow_downgrade: true }),
  };
  await conclude(session, await send(session, PATH, body), args.follow);
}

export async function upgrades(session: Session, args: PagingArgs & { upgrade?: string | undefined }): Promise<void> {
  const { client, output, world } = session;
  const { page, perPage, upgrade: id } = args;
  if (id === undefined) return showList(session, PATH, { page, perPage }, columnsAt(world.clock.now()));
  const found = await client.get<UpgradeDetail>(pathOf(id));
  if (output.isJson) return output.json(found);
  output.table(HOST_COLUMNS, rowsOf(found));
}

export async function resumeUpgrade(session: Session, args: { upgrade: string; follow: boolean }): Promise<void> {
  await conclude(session, await send(session, `${pathOf(args.upgrade)}/resume`), args.follow);
}

export async function cancelUpgrade(session: Session, args: { upgrade: string }): Promise<void> {
  const ended = await send(session, `${pathOf(args.upgrade)}/cancel`);
  if (session.output.isJson) return session.output.json(ended);
  session.output.line(`${ended.id} is cancelled`);
}

const pathOf = (id: string): string => `${PATH}/${encodeURIComponent(id)}`;

/** One key for all tries: what got no answer is not done twice. */
async function send({ client }: Session, path: string, body: object = {}): Promise<UpgradeDetail> {
  return (await client.send<UpgradeDetail>('POST', path, { body, idempotencyKey: randomUUID() })).body;
}

async function conclude(session: Session, begun: UpgradeDetail, follow: boolean): Promise<void> {
  const { output } = session;
  if (follow) return followUpgrade(session, begun.id);
  if (output.isJson) return output.json(begun);
  output.line(`upgrade ${begun.id} to ${begun.version}: ${inWords(begun)}`);
}

/** Until it ends, halts, or only hosts that are away are left. Throws JobFailedError when it halted or was ended. */
async function followUpgrade(session: Session, id: string): Promise<void> {
  const { client, output, world } = session;
  const shown = new Map<string, string>();
  for (;;) {
    const found = await client.get<UpgradeDetail>(pathOf(id));
    if (!output.isJson) showNews(session, found, shown);
    if (found.state === 'succeeded' || isWaiting(found)) return finish(session, found);
    if (found.state !== 'running') throw failureOf(found);
    await sleep(world.clock, LOOK_MS, world.interruption());
  }
}

const isWaiting = ({ state, hosts, waiting }: UpgradeDetail): boolean =>
  state === 'running' &&
  hosts.running === 0 &&
  waiting.filter((host) => host.state === 'pending').every(({ reason }) => reason !== null);

function showNews({ output }: Session, found: UpgradeDetail, shown: Map<string, string>): void {
  for (const { host_id: id, host_name: name, state, phase, reason } of rowsOf(found)) {
    const what = state === 'running' ? (phase ?? 'told') : state;
    const line = `${name}: ${what}${reason === null ? '' : ` (${reason})`}`;
    if (shown.get(id) !== line && !(state === 'pending' && reason === null)) output.note(line);
    shown.set(id, line);
  }
}

function finish({ output }: Session, found: UpgradeDetail): void {
  if (output.isJson) return output.json(found);
  output.line(`${found.version}: ${inWords(found)}`);
}

const inWords = ({ hosts }: Upgrade): string =>
  Object.entries(hosts)
    .filter(([, count]) => count > 0)
    .map(([state, count]) => `${count} ${state}`)
    .join(', ');

function failureOf({ id, state, halted_by: halt }: UpgradeDetail): JobFailedError {
  const error = halt && { code: 'state_conflict', message: halt.reason ?? 'A host failed' };
  const hint =
    state === 'halted'
      ? `\`longshore hosts resume-upgrade ${id}\` tries it again`
      : `\`longshore hosts upgrades ${id}\` shows how it stands`;
  return JobFailedError.from(`The upgrade of hosts is ${state}`, error, hint);
}

interface HostRow extends UpgradeHost {
  wave: number | null;
}

const rowsOf = ({ waves, waiting }: UpgradeDetail): HostRow[] => [
  ...waves.flatMap(({ wave, hosts }) => hosts.map((host) => ({ ...host, wave }))),
  ...waiting.map((host) => ({ ...host, wave: null })),
];

const columnsAt = (nowMs: number): Column<Upgrade>[] => [
  { title: 'ID', cell: ({ id }) => id },
  { title: 'VERSION', cell: ({ version }) => version },
  { title: 'STATE', cell: ({ state }) => state, style: (_, { state }) => (state === 'halted' ? 'red' : 'green') },
  { title: 'HOSTS', cell: inWords },
  { title: 'BY', cell: (one) => one.made_by },
  { title: 'AGE', cell: (one) => formatAge(one.created_at, nowMs) },
  { title: 'REASON', cell: (one) => one.halted_by?.reason ?? null },
];

const HOST_COLUMNS: Column<HostRow>[] = [
  { title: 'WAVE', cell: (host) => host.wave },
  { title: 'HOST', cell: (host) => host.host_name },
  { title: 'STATE', cell: (host) => host.state },
  { title: 'FROM', cell: (host) => host.from_version },
  { title: 'PHASE', cell: ({ phase, percent }) => (percent === null ? phase : `${phase} ${percent} %`) },
  { title: 'REASON', cell: (host) => host.reason },
];
