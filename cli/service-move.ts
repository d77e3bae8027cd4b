// `longshore services move` and `longshore moves …`: a service goes to another host, and how far it is.
import { randomUUID } from 'node:crypto';
import type { Argv } from 'yargs';
import { sleep } from '#shared/time.ts';
import { apiCommand, argument, type Session } from './command.ts';
import { JobFailedError } from './failures.ts';
import type { MoveDetail } from './move-types.ts';
import { requireIdByName } from './names.ts';
import { requireServiceId } from './services.ts';

/** A step takes seconds at least. */
const LOOK_MS = 1000;

export const followOption = <T>(yargs: Argv<T>) =>
  yargs.option('follow', { type: 'boolean', default: false, alias: 'F', describe: 'Show its steps until it ends' });

export const moveOptions = (yargs: Argv) =>
  followOption(argument(yargs, 'service', 'Its name or id'))
    .option('to', { type: 'string', demandOption: true, requiresArg: true, describe: 'Its new host, by name or id' })
    .option('keep-old', { type: 'boolean', default: false, describe: 'Leave the old one where it is, stopped' })
    .option('repository', { type: 'string', requiresArg: true, describe: 'The id of the one its data goes through' });

interface MoveArgs {
  service: string;
  to: string;
  keepOld: boolean;
  repository?: string | undefined;
  follow: boolean;
}

export async function move(session: Session, args: MoveArgs): Promise<void> {
  const { client } = session;
  const id = await requireServiceId(client, args.service);
  const body = {
    host_id: await requireIdByName(client, 'host', args.to),
    ...(args.keepOld && { keep_old: true }),
    ...(args.repository !== undefined && { repository_id: args.repository }),
  };
  const begun = await send(session, `/api/services/${id}/move`, body);
  await conclude(session, begun, args.follow);
}

/** One key for all tries: what got no answer is not done twice. */
export async function send<T = MoveDetail>({ client }: Session, path: string, body: object = {}): Promise<T> {
  return (await client.send<T>('POST', path, { body, idempotencyKey: randomUUID() })).body;
}

export async function conclude(session: Session, begun: MoveDetail, follow: boolean): Promise<void> {
  const { output } = session;
  if (follow) return followMove(session, begun.id);
  if (output.isJson) return output.json(begun);
  output.line(`${begun.service_name}: move ${begun.id} is ${begun.state}`);
}

/** Throws JobFailedError when the service is not where it was to be. */
async function followMove(session: Session, id: string): Promise<void> {
  const { client, output, world } = session;
  const shown = new Map<string, string>();
  for (;;) {
    const found = await client.get<MoveDetail>(`/api/moves/${id}`);
    if (!output.isJson) showNews(session, found, shown);
    if (found.finished_at !== null) return finish(session, found);
    await sleep(world.clock, LOOK_MS, world.interruption());
  }
}

function showNews({ output }: Session, { steps }: MoveDetail, shown: Map<string, string>): void {
  for (const { step, state, message } of steps.filter((one) => one.state !== 'waiting')) {
    const line = `${step}: ${state}${message === null ? '' : ` (${message})`}`;
    if (shown.get(step) !== line) output.note(line);
    shown.set(step, line);
  }
}

function finish({ output }: Session, found: MoveDetail): void {
  if (found.state !== 'succeeded') {
    throw JobFailedError.from(
      `The move is ${found.state}`,
      found.error,
      `\`longshore moves get ${found.id}\` shows its steps`,
    );
  }
  if (output.isJson) return output.json(found);
  output.line(`${found.service_name}: moved`);
  if (found.error) output.note(`not tidied up: ${found.error.message}`);
}

export const oneMove = (yargs: Argv) => argument(apiCommand(yargs), 'move', 'Its id');
