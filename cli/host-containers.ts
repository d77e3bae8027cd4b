// `longshore hosts projects` and `longshore hosts containers`: what runs on a host, also what Longshore did not start.
import type { Argv } from 'yargs';
import { type Session } from './command.ts';
import { formatAge } from './duration.ts';
import type { Client } from './client.ts';
import { pagingOptions, showList, type PagingArgs } from './list.ts';
import { hostArgument, requireIdByName } from './names.ts';
import type { Column } from './table.ts';

interface HostContainer {
  id: string;
  name: string;
  service: string | null;
  image: string;
  state: string;
  health: string;
  started_at: string | null;
  ports: { host: number; container: number; protocol: string }[];
  project: string | null;
  service_id: string | null;
}

interface HostProject {
  kind: 'compose' | 'container';
  name: string;
  containers: Omit<HostContainer, 'project' | 'service_id'>[];
  working_dir: string | null;
  can_be_adopted: boolean;
  obstacle: { code: string; message: string } | null;
}

interface ListArgs extends PagingArgs {
  host: string;
  search?: string | undefined;
}

export const hostListOptions = (yargs: Argv) =>
  pagingOptions(hostArgument(yargs)).option('search', { type: 'string', describe: 'Part of the name' });

const unique = (texts: readonly string[]): string => [...new Set(texts)].join(' ');

const portsOf = ({ ports }: Pick<HostContainer, 'ports'>): string[] =>
  ports.map(({ host, container, protocol }) => `${host}:${container}/${protocol}`);

const PROJECT_COLUMNS: Column<HostProject>[] = [
  { title: 'NAME', cell: ({ name }) => name },
  { title: 'KIND', cell: ({ kind }) => kind },
  { title: 'CONTAINERS', cell: ({ containers }) => containers.length },
  { title: 'STATE', cell: ({ containers }) => unique(containers.map(({ state }) => state)) },
  { title: 'IMAGES', cell: ({ containers }) => unique(containers.map(({ image }) => image)) },
  { title: 'PORTS', cell: ({ containers }) => unique(containers.flatMap(portsOf)) },
  { title: 'FOLDER', cell: ({ working_dir: folder }) => folder },
  {
    title: 'ADOPTABLE',
    cell: ({ obstacle }) => obstacle?.message ?? 'yes',
    style: (_, { obstacle }) => (obstacle ? 'gray' : 'green'),
  },
];

const containerColumnsAt = (nowMs: number): Column<HostContainer>[] => [
  { title: 'NAME', cell: ({ name }) => name },
  { title: 'STATE', cell: ({ state }) => state },
  { title: 'HEALTH', cell: ({ health }) => health },
  { title: 'STARTED', cell: (container) => formatAge(container.started_at, nowMs) },
  { title: 'IMAGE', cell: ({ image }) => image },
  { title: 'PORTS', cell: (container) => unique(portsOf(container)) },
  { title: 'PROJECT', cell: ({ project }) => project },
  { title: 'SERVICE', cell: ({ service_id: id }) => id },
];

const pathOf = async (client: Client, host: string, list: string): Promise<string> =>
  `/api/hosts/${await requireIdByName(client, 'host', host)}/${list}`;

export async function projects(session: Session, { host, ...query }: ListArgs): Promise<void> {
  await showList(session, await pathOf(session.client, host, 'projects'), queryOf(query), PROJECT_COLUMNS);
}

export async function containers(session: Session, { host, ...query }: ListArgs): Promise<void> {
  const columns = containerColumnsAt(session.world.clock.now());
  await showList(session, await pathOf(session.client, host, 'containers'), queryOf(query), columns);
}

const queryOf = ({ page, perPage, search }: Omit<ListArgs, 'host'>) => ({ page, perPage, search });
