// Programs inside containers as the API shows them: what to run, and what came of it.
import { z } from 'zod';
import { EXEC_LIMITS, MAX_EXEC_MS } from '#shared/protocol/exec-parts.ts';
import type { ExecOrder, ExecOutcome } from '../../app/api/exec.ts';

const MAX_EXEC_S = MAX_EXEC_MS / 1000;

/** What a process can be given: everything but NUL, which ends a text for the kernel. */
export const argument = z
  .string()
  .max(EXEC_LIMITS.argumentsBytes)
  .refine((text) => !text.includes('\0'), 'Must not hold a NUL');

const sizeOf = (texts: readonly string[]): number => texts.reduce((bytes, text) => bytes + Buffer.byteLength(text), 0);

/** What to run and where; the same for one command and for a terminal. */
export const execFields = {
  command: z
    .array(argument)
    .min(1, 'Name the program to run')
    .max(EXEC_LIMITS.arguments)
    .refine(([program]) => program !== '', 'Name the program to run')
    .refine((command) => sizeOf(command) <= EXEC_LIMITS.argumentsBytes, 'Larger than 128 KiB')
    .meta({
      description: 'The program and its arguments, which no shell reads',
      example: ['psql', '-c', 'select 1'],
    }),
  service: z
    .string()
    .min(1)
    .max(255)
    .optional()
    .meta({ description: 'Of the compose file; needed where there are several', example: 'db' }),
  container: z
    .string()
    .min(1)
    .max(255)
    .optional()
    .meta({ description: 'Name or id; needed where the service has several', example: 'my-app-db-1' }),
  user: argument.min(1).max(255).optional().meta({ description: "Default: the container's", example: 'postgres' }),
  working_dir: argument.startsWith('/').max(4096).optional().meta({ description: "Default: the container's" }),
  env: z
    .record(z.string().regex(/^[A-Za-z_][A-Za-z0-9_]{0,254}$/), argument)
    .refine((env) => Object.keys(env).length <= EXEC_LIMITS.variables, `At most ${EXEC_LIMITS.variables}`)
    .refine((env) => sizeOf(Object.values(env)) <= EXEC_LIMITS.argumentsBytes, 'Larger than 128 KiB')
    .optional()
    .meta({ description: "On top of the container's", example: { PGDATABASE: 'app' } }),
};
type ExecFields = z.infer<z.ZodObject<typeof execFields>>;

export const execBody = z
  .strictObject({
    ...execFields,
    timeout_s: z
      .number()
      .int()
      .min(1)
      .max(MAX_EXEC_S)
      .default(MAX_EXEC_S)
      .meta({ description: 'Seconds after which the program is ended', example: 10 }),
  })
  .meta({ id: 'ExecRequest' });

export const fromExecFields = (fields: ExecFields): ExecOrder => ({
  command: fields.command,
  service: fields.service,
  container: fields.container,
  user: fields.user,
  workingDir: fields.working_dir,
  env: fields.env,
});

export const execView = z
  .object({
    container: z.string().meta({ example: 'my-app-db-1' }),
    service: z.string().meta({ example: 'db' }),
    exit_code: z
      .number()
      .int()
      .nullable()
      .meta({ description: 'Null: it was ended; 126 and 127: it could not be started', example: 0 }),
    stdout: z.string().meta({ example: '1\n' }),
    stderr: z.string().meta({ example: '' }),
    truncated: z.boolean().meta({ description: 'There was more than 1 MiB of output', example: false }),
    timed_out: z.boolean().meta({ description: 'It was ended after `timeout_s`', example: false }),
    left_running: z.boolean().meta({
      description: 'It could not be ended: the container has no shell, and the agent of its host is not root',
      example: false,
    }),
    duration_ms: z.number().int().meta({ example: 48 }),
  })
  .meta({ id: 'ExecResult' });

export const toExecView = (outcome: ExecOutcome): z.infer<typeof execView> => ({
  container: outcome.container,
  service: outcome.service,
  exit_code: outcome.exitCode,
  stdout: outcome.stdout,
  stderr: outcome.stderr,
  truncated: outcome.isTruncated,
  timed_out: outcome.reason === 'timed_out',
  left_running: outcome.isLeftRunning,
  duration_ms: outcome.durationMs,
});
