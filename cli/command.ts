// What a command is: a file that adds itself to yargs, and handlers that get a client and an output.
import type { Argv } from 'yargs';
import type { Client } from './client.ts';
import { connect, connectionOptions, type ConnectionFlags } from './connect.ts';
import { Output } from './output.ts';
import type { World } from './world.ts';

export interface Command {
  /** Adds itself with its options and subcommands. Runs also for help and completion, so it must not touch anything. */
  add(program: Argv, describe: string, world: World): Argv;
}

export interface Session {
  world: World;
  client: Client;
  output: Output;
}

/** Adds the options that `withSession` needs. */
export const apiCommand = <T>(yargs: Argv<T>) => connectionOptions(yargs);

/** A handler that calls the API. */
export const withSession =
  <Args>(world: World, handle: (session: Session, args: Args) => Promise<void>) =>
  (args: Args & ConnectionFlags & { json: boolean }): Promise<void> =>
    handle({ world, client: connect(world, args), output: new Output(world, args.json) }, args);

/** Options of every list. */
export const pagingOptions = <T>(yargs: Argv<T>) =>
  yargs
    .option('page', { type: 'number', default: 1, describe: 'Page to show', group: 'Paging:' })
    .option('per-page', { type: 'number', default: 100, describe: 'Rows a page, at most 100', group: 'Paging:' });

export interface PagingArgs {
  page: number;
  perPage: number;
}

/** Says on stderr that there is more than was shown. */
export function notePages(output: Output, list: { total: number; page: number; per_page: number }): void {
  const pages = Math.ceil(list.total / list.per_page);
  if (pages > 1) output.note(`page ${list.page} of ${pages}, ${list.total} in all`);
}
