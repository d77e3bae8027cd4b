// `longshore control`: a control plane on its own, as systemd runs it; and its data, backed up and restored.
import { runControl } from '../../control/main.ts';
import type { Command } from '../command.ts';
import { addDataCommands } from '../control-data.ts';
import { CONTROL_FLAGS, toArguments, toOptions } from '../flags.ts';

export const command: Command = {
  add: (program, describe, world) =>
    program.command(
      'control',
      describe,
      (own) => addDataCommands(own.options(toOptions(CONTROL_FLAGS)), world),
      (args) => runControl(toArguments(CONTROL_FLAGS, args)),
    ),
};
