// `longshore control`: a control plane on its own, as systemd runs it.
import { runControl } from '../../control/main.ts';
import type { Command } from '../command.ts';
import { CONTROL_FLAGS, toArguments, toOptions } from '../flags.ts';

export const command: Command = {
  add: (program, describe) =>
    program.command('control', describe, toOptions(CONTROL_FLAGS), (args) =>
      runControl(toArguments(CONTROL_FLAGS, args)),
    ),
};
