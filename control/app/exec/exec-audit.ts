// What the audit log keeps of a program that was run: the command, where, and how it ended. Never what it printed.
import { shortened } from '#shared/protocol/exec-command.ts';
import type { ExecEnded, ExecStarted } from '#shared/protocol/exec-parts.ts';
import type { AuditDetail } from '../api/audit.ts';
import type { ExecOrder } from '../api/exec.ts';

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
