// `longshore moves …`: services on their way from host to host.
import type { Argv } from 'yargs';
import { apiCommand, group, withSession, type Session } from '../command.ts';
import { formatAge } from '../duration.ts';
import { pagingOptions, showList, type PagingArgs } from '../list.ts';
import type { Move, MoveDetail, MoveStep } from '../move-types.ts';
import { conclude, followOption, oneMove, send } from '../service-move.ts';
import { requireServiceId } from '../services.ts';
import type { Column } from '../table.ts';

export const command = group('moves', (own, world) =>
  own
    .command(['list', 'ls'], 'List moves, newest first', listOptions, withSession(world, list))
    .command('get <move>', 'Show one with its steps', oneMove, withSession(world, get))
    .command('cancel <move>', 'Leave the service where it was', followed, withSession(world, act('cancel')))
    .command('remove-old <move>', 'Remove what one has left behind', followed, withSession(world, act('remove-old'))),
);

const followed = (yargs: Argv) => followOption(oneMove(yargs));
const listOptions = (yargs: Argv) =>
  pagingOptions(apiCommand(yargs)).option('service', { type: 'string', describe: 'Only of this one, by name or id' });

const STATE_STYLE: Partial<Record<Move['state'], 'green' | 'red' | 'cyan'>> = {
  succeeded: 'green',
  failed: 'red',
  running: 'cyan',
};

const columnsAt = (nowMs: number): Column<Move>[] => [
  { title: 'ID', cell: ({ id }) => id },
  { title: 'SERVICE', cell: (move) => move.service_name },
  { title: 'STATE', cell: ({ state }) => state, style: (_, { state }) => STATE_STYLE[state] },
  { title: 'FROM', cell: (move) => move.from_host_id },
  { title: 'TO', cell: (move) => move.to_host_id },
  { title: 'LEFT BEHIND', cell: (move) => (move.finished_at !== null && move.keeps_old ? 'yes' : null) },
  { title: 'AGE', cell: (move) => formatAge(move.created_at, nowMs) },
  { title: 'ERROR', cell: ({ error }) => error && `${error.message} (${error.code})` },
];

async function list(session: Session, args: PagingArgs & { service?: string | undefined }): Promise<void> {
  const { page, perPage, service } = args;
  const service_id = service === undefined ? undefined : await requireServiceId(session.client, service);
  await showList(session, '/api/moves', { page, perPage, service_id }, columnsAt(session.world.clock.now()));
}

const STEP_COLUMNS: Column<MoveStep>[] = [
  { title: 'STEP', cell: ({ step }) => step },
  { title: 'STATE', cell: ({ state }) => state },
  { title: 'HOST', cell: (step) => step.host_id },
  { title: 'JOB', cell: (step) => step.job_id },
  { title: 'MESSAGE', cell: ({ message }) => message },
];

async function get({ client, output, world }: Session, { move }: { move: string }): Promise<void> {
  const found = await client.get<MoveDetail>(`/api/moves/${encodeURIComponent(move)}`);
  if (output.isJson) return output.json(found);
  output.table(columnsAt(world.clock.now()), [found]);
  output.table(STEP_COLUMNS, found.steps);
  if (found.next !== null) output.note(`next: ${found.next}`);
}

const act =
  (verb: 'cancel' | 'remove-old') =>
  async (session: Session, { move, follow }: { move: string; follow: boolean }): Promise<void> => {
    await conclude(session, await send(session, `/api/moves/${encodeURIComponent(move)}/${verb}`), follow);
  };
