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

/** A subcommand's one argument. */
export const argument = <const Name extends string, T>(yargs: Argv<T>, name: Name, describe: string) =>
  apiCommand(yargs).positional(name, { type: 'string', demandOption: true, describe });

/** A command whose subcommands all call the API. */
export const group = (name: string, add: (own: ReturnType<typeof apiCommand>, world: World) => Group): Command => ({
  add: (program, describe, world) =>
    program.command(name, describe, (own) => add(apiCommand(own), world).demandCommand(1, 'Which of them?')),
});

type Group = Pick<Argv, 'demandCommand'>;
