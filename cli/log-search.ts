// `longshore logs search`: lines of many services that hold a text, the newest last, and what could not be searched.
import type { Argv } from 'yargs';
import type { LogEntry } from './api-types.ts';
import { apiCommand, type Session } from './command.ts';
import { parseSince } from './duration.ts';
import { logPrinter } from './log-printer.ts';
import type { Output } from './output.ts';

interface SearchArgs {
  query: string;
  service?: string | undefined;
  host?: string | undefined;
  since?: string | undefined;
  until?: string | undefined;
  regex: boolean;
  ignoreCase: boolean;
  limit?: number | undefined;
  timeout?: number | undefined;
}

interface SearchedHost {
  host_name: string;
  complete: boolean;
  reason: string | null;
  searched_from: string | null;
  unreadable: string[];
}

interface Found {
  matches: LogEntry[];
  complete: boolean;
  hosts: SearchedHost[];
}

export const searchOptions = (yargs: Argv) =>
  apiCommand(yargs)
    .positional('query', { type: 'string', demandOption: true, describe: 'What to look for' })
    .option('service', { type: 'string', requiresArg: true, describe: 'Only of this one, by name or id' })
    .option('host', { type: 'string', requiresArg: true, describe: 'Only on this one, by name or id' })
    .option('since', { type: 'string', requiresArg: true, describe: 'From this time on: 10m or RFC 3339' })
    .option('until', { type: 'string', requiresArg: true, describe: 'Up to this time: 10m or RFC 3339' })
    .option('regex', { type: 'boolean', default: false, alias: 'E', describe: 'The query is a regular expression' })
    .option('ignore-case', {
      type: 'boolean',
      default: false,
      alias: 'i',
      describe: 'Upper and lower case are the same',
    })
    .option('limit', { type: 'number', alias: 'n', requiresArg: true, describe: 'The newest so many lines (100)' })
    .option('timeout', { type: 'number', requiresArg: true, describe: 'Seconds a host may take (10)' });

export async function searchLogs({ world, client, output }: Session, args: SearchArgs): Promise<void> {
  const timeOf = (text: string | undefined) => (text === undefined ? undefined : parseSince(text, world.clock.now()));
  const { query: q, service, host, regex, limit, timeout } = args;
  const since = timeOf(args.since);
  const until = timeOf(args.until);
  const query = { q, service, host, since, until, regex, ignore_case: args.ignoreCase, limit, timeout };
  const found = await client.get<Found>('/api/logs/search', query);
  if (output.isJson) return output.json(found);
  const printer = logPrinter(output, true);
  for (const line of found.matches.toReversed()) printer.entry(line);
  if (!found.complete) noteShortfall(output, found);
}

const WORDS: Record<string, string> = {
  limit: 'enough was found',
  deadline: 'the time was over',
  bytes: 'there is too much of it',
};

/** Says what was not searched: no lines of a host that is away are no lines. */
function noteShortfall(output: Output, { hosts, matches }: Found): void {
  const short = hosts.filter(({ complete }) => !complete);
  for (const { host_name: name, reason, searched_from: from, unreadable } of short) {
    const why = WORDS[reason ?? ''] ?? reason ?? '';
    if (reason === 'unreadable') output.note(`${name}: the logs of ${unreadable.join(', ')} cannot be read`);
    else if (from === null) output.note(`${name}: not searched (${why})`);
    else output.note(`${name}: searched back to ${from} (${why})`);
  }
  const oldest = matches.at(-1)?.timestamp;
  if (short.length === 0 && oldest !== undefined) output.note(`there is more before ${oldest}`);
}
