// What the audit log keeps of a program that was run: the command, where, and how it ended. Never what it printed.
import type { ExecEnded, ExecStarted } from '#shared/protocol/exec-parts.ts';
import type { AuditDetail } from './api/audit.ts';
import type { ExecOrder } from './api/exec.ts';

/** The log is kept for good: of a script in an argument its beginning says enough. */
const MAX_COMMAND_CHARS = 4_096;

export const startDetail = (
  execId: string,
  { container, command }: ExecStarted,
  { user, workingDir, env = {} }: ExecOrder,
  hasTerminal: boolean,
): AuditDetail => ({
  exec_id: execId,
  container,
  command: shortened(command),
  ...(user !== undefined && { user }),
  ...(workingDir !== undefined && { working_dir: workingDir }),
  ...(Object.keys(env).length > 0 && { env: Object.keys(env) }),
  terminal: hasTerminal,
});

/** `end` is undefined where the host went away before it could tell. */
export const endDetail = (execId: string, { container }: ExecStarted, end: ExecEnded | undefined): AuditDetail => ({
  exec_id: execId,
  container,
  exit_code: end?.exitCode ?? null,
  ...(end?.reason === 'timed_out' && { timed_out: true }),
  ...(end?.isLeftRunning && { left_running: true }),
});

function shortened(command: readonly string[]): string[] {
  const kept: string[] = [];
  let room = MAX_COMMAND_CHARS;
  for (const [i, argument] of command.entries()) {
    if (argument.length > room) return [...kept, `${argument.slice(0, room)}…`, ...rest(command.length - i - 1)];
    kept.push(argument);
    room -= argument.length + 1;
  }
  return kept;
}

const rest = (count: number): string[] => (count > 0 ? [`… ${count} more`] : []);
