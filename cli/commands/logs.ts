// `longshore logs`: the lines of all containers of a service, recent ones or as they come; and the search in all logs.
import type { Argv } from 'yargs';
import type { WireError } from '#shared/errors.ts';
import { sleep } from '#shared/time.ts';
import type { LogEntry } from '../api-types.ts';
import { apiCommand, withSession, type Command, type Session } from '../command.ts';
import { parseSince } from '../duration.ts';
import { LogCursor } from '../log-cursor.ts';
import { searchLogs, searchOptions } from '../log-search.ts';
import { ApiError } from '../failures.ts';
import { logPrinter, type LogPrinter } from '../log-printer.ts';
import { requireServiceId } from '../services.ts';
import { openSocket } from '../socket.ts';

/** Between tries to come back; the control plane may be restarting. */
const FIRST_WAIT_MS = 500;
const LAST_WAIT_MS = 15_000;
/** The most lines the API gives from before the moment of asking. */
const MAX_TAIL = 10_000;

interface LogArgs {
  service: string;
  follow: boolean;
  tail?: number | undefined;
  since?: string | undefined;
  timestamps: boolean;
}

const options = (yargs: Argv) =>
  apiCommand(yargs)
    .positional('service', { type: 'string', demandOption: true, describe: 'Its name or id' })
    .option('follow', { type: 'boolean', default: false, alias: 'f', describe: 'Go on with new lines' })
    .option('tail', { type: 'number', alias: 'n', requiresArg: true, describe: 'Lines from the end (100)' })
    .option('since', { type: 'string', requiresArg: true, describe: 'From this time on: 10m or RFC 3339' })
    .option('timestamps', { type: 'boolean', default: false, alias: 't', describe: 'Show the time of each line' });

export const command: Command = {
  add: (program, describe, world) =>
    program.command('logs', describe, (own) =>
      own
        .command('$0 <service>', describe, options, withSession(world, logs))
        .command('search <query>', 'Find lines of many services', searchOptions, withSession(world, searchLogs)),
    ),
};

async function logs(session: Session, args: LogArgs): Promise<void> {
  const { world, client, output } = session;
  const since = args.since === undefined ? undefined : parseSince(args.since, world.clock.now());
  const id = await requireServiceId(client, args.service);
  const printer = logPrinter(output, args.timestamps);
  if (args.follow) return follow(session, `/api/services/${id}/logs`, { tail: args.tail, since }, printer);
  const query = { tail: args.tail, since };
  const recent = await client.get<{ logs: LogEntry[] }>(`/api/services/${id}/logs`, query);
  for (const entry of recent.logs) printer.entry(entry);
}

/** Follows until Ctrl-C, through restarts of the control plane and lost connections. */
async function follow(session: Session, path: string, first: object, printer: LogPrinter): Promise<void> {
  const { world, client, output } = session;
  const cursor = new LogCursor();
  for (let waitMs = FIRST_WAIT_MS; ; waitMs = Math.min(waitMs * 2, LAST_WAIT_MS)) {
    const query = cursor.since === undefined ? first : { since: cursor.since, tail: MAX_TAIL };
    cursor.rewind();
    try {
      using socket = await openSocket(client, path, { follow: true, batch: true, ...query });
      for await (const text of socket) {
        show(JSON.parse(text) as Message, cursor, printer);
        waitMs = FIRST_WAIT_MS;
      }
      client.signal.throwIfAborted();
      output.note('the connection closed, trying again');
    } catch (error) {
      await requireHope(session, path, error, cursor.since !== undefined);
    }
    await sleep(world.clock, waitMs, client.signal);
  }
}

/** Throws what no waiting mends. Before the first line a person wants an answer; after it, the lines that follow. */
async function requireHope(
  { client, output }: Session,
  path: string,
  error: unknown,
  hasBegun: boolean,
): Promise<void> {
  if (!(error instanceof ApiError)) throw error;
  if (!error.isUnreachable) {
    if (!hasBegun || !error.retryable) throw error;
    output.note(`${error.message}, trying again`);
    return;
  }
  // A refused WebSocket does not say why: the same path without it does, unless the control plane is away.
  await client.get(path, { tail: 0 }).catch((reason: unknown) => {
    if (!hasBegun || !(reason instanceof ApiError && reason.isUnreachable)) throw reason;
  });
}

type Message = LogEntry[] | { type: 'gap'; missed: number } | { type: 'error'; error: WireError };

function show(message: Message, cursor: LogCursor, printer: LogPrinter): void {
  if (Array.isArray(message)) {
    for (const entry of message) if (cursor.accept(entry)) printer.entry(entry);
  } else if (message.type === 'gap') printer.gap(message.missed);
  else throw ApiError.answered(message.error, undefined);
}
