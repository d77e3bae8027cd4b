// `longshore agent`: the agent of a host, as systemd runs it.
import { runAgent } from '../../agent/main.ts';
import type { Command } from '../command.ts';
import { AGENT_FLAGS, toArguments, toOptions } from '../flags.ts';

export const command: Command = {
  add: (program, describe) =>
    program.command('agent', describe, toOptions(AGENT_FLAGS), (args) => runAgent(toArguments(AGENT_FLAGS, args))),
};
