// Programs run inside a container: what control asks for, what goes in, and what the agent tells beside the output.
import * as z from 'zod';
import { lazy } from './parts.ts';

/** Of one program: its arguments, its environment. Well below a frame, and below what Linux takes (ARG_MAX). */
export const EXEC_LIMITS = { arguments: 1_000, argumentsBytes: 128 * 1024, variables: 100 } as const;
/** Waiting callers wait no longer than for a start or stop. */
export const MAX_EXEC_MS = 60_000;
/** Input in one message. */
export const MAX_EXEC_INPUT_BYTES = 64 * 1024;

const text = (max: number) => z.string().max(max);

/** Columns and rows of a terminal. */
export const terminalSize = lazy(() =>
  z.object({ columns: z.number().int().min(1).max(10_000), rows: z.number().int().min(1).max(10_000) }),
);

export const execRequest = lazy(() =>
  z.object({
    /** Names the session for its input; control chooses it. */
    execId: text(64),
    serviceId: z.string(),
    /** The program and its arguments, which no shell reads. */
    command: z.array(text(EXEC_LIMITS.argumentsBytes)).min(1).max(EXEC_LIMITS.arguments),
    /** A service of the compose file. */
    service: text(255).nullable(),
    /** Name or id. */
    container: text(255).nullable(),
    user: text(255).nullable(),
    workingDir: text(4096).nullable(),
    env: z.record(text(255), text(EXEC_LIMITS.argumentsBytes)),
    /** Null: no terminal, stdout and stderr apart. */
    terminal: terminalSize().nullable(),
    takesInput: z.boolean(),
    /** Past it the program is ended; null: it runs while somebody listens. */
    timeoutMs: z.number().int().positive().nullable(),
    /** Past it output is read and dropped; null: all of it goes out. */
    outputLimitBytes: z.number().int().positive().nullable(),
    /** It starts when an input says `isPermit`: what runs must be on record first. Absent: at once. */
    needsPermit: z.boolean().optional(),
  }),
);
export type ExecRequest = z.infer<ReturnType<typeof execRequest>>;

export const execInput = lazy(() =>
  z.object({
    execId: text(64),
    /** Base64. */
    data: text(Math.ceil(MAX_EXEC_INPUT_BYTES / 3) * 4).optional(),
    /** Nothing more comes. */
    isLast: z.boolean().optional(),
    size: terminalSize().optional(),
    /** The program may start; answered when it has. */
    isPermit: z.boolean().optional(),
  }),
);
export type ExecInput = Omit<z.infer<ReturnType<typeof execInput>>, 'execId'>;

/** The first frame of a session, before its program starts, and the last one. */
export const execNews = lazy(() =>
  z.discriminatedUnion('kind', [
    z.object({
      kind: z.literal('started'),
      container: z.string(),
      service: z.string(),
      /** As it may be shown and kept: without the service's secrets, and shortened (exec-command.ts). */
      command: z.array(z.string()),
    }),
    z.object({
      kind: z.literal('ended'),
      /** Null where there is none: it did not end by itself, or Docker does not know. */
      exitCode: z.number().int().nullable(),
      reason: z.enum(['exited', 'timed_out']),
      /** It could not be ended and may still be at work. */
      isLeftRunning: z.boolean(),
      /** Output was dropped. */
      isTruncated: z.boolean(),
      durationMs: z.number().int().nonnegative(),
    }),
  ]),
);
export type ExecNews = z.infer<ReturnType<typeof execNews>>;
export type ExecStarted = Extract<ExecNews, { kind: 'started' }>;
export type ExecEnded = Extract<ExecNews, { kind: 'ended' }>;
