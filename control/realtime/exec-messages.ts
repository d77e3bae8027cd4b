// The messages of an exec socket: what a client may say, and how a program's output and end read on the wire. Bytes travel
// as base64, because what a program reads and prints need not be text.
import { z } from 'zod';
import { LongshoreError } from '#shared/errors.ts';
import { toRfc3339 } from '#shared/time.ts';
import type { ExecOutput } from '#shared/protocol/exec-frame.ts';
import type { ExecEnded, ExecStarted } from '#shared/protocol/exec-parts.ts';
import type { TerminalOrder } from '../app/api/exec.ts';
import { execFields, fromExecFields } from '../http/views/exec.ts';

const size = z.number().int().min(1).max(10_000);
const USUAL = { cols: 80, rows: 24 };

const startMessage = z.strictObject({
  type: z.literal('exec.start'),
  ...execFields,
  tty: z.boolean().default(true),
  cols: size.default(USUAL.cols),
  rows: size.default(USUAL.rows),
});
const laterMessage = z.discriminatedUnion('type', [
  z.strictObject({ type: z.literal('exec.input'), data: z.base64().default(''), end: z.boolean().default(false) }),
  z.strictObject({ type: z.literal('exec.resize'), cols: size, rows: size }),
]);
export type LaterMessage = z.infer<typeof laterMessage>;

/** Throws `bad_request` for what is not the first message, `validation_error` that names the fields of one. */
export function readStart(text: string): TerminalOrder {
  const message = read(startMessage, ['exec.start'], text);
  const { tty, cols: columns, rows } = message;
  return { ...fromExecFields(message), terminal: tty ? { columns, rows } : null };
}

/** Throws as readStart does. */
export const readLater = (text: string): LaterMessage => read(laterMessage, ['exec.input', 'exec.resize'], text);

function read<T extends z.ZodType>(schema: T, types: readonly string[], text: string): z.infer<T> {
  const message = parseJson(text);
  const { success, data, error } = schema.safeParse(message);
  if (success) return data;
  if (!types.includes((message as { type?: string } | null)?.type ?? ''))
    throw new LongshoreError('bad_request', { details: `Send a message of type ${types.join(' or ')}` });
  const fields = Object.fromEntries(error.issues.map((issue) => [issue.path.join('.') || 'message', issue.message]));
  throw new LongshoreError('validation_error', { fields });
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

export const startedMessage = ({ container, service }: ExecStarted, now: number): object => ({
  type: 'exec.started',
  container,
  service,
  timestamp: toRfc3339(now),
});

export const outputMessage = ({ stream, bytes }: ExecOutput): object => ({
  type: 'exec.output',
  stream,
  data: bytes.toString('base64'),
});

export const exitMessage = ({ exitCode, isLeftRunning }: ExecEnded, now: number): object => ({
  type: 'exec.exit',
  exit_code: exitCode,
  left_running: isLeftRunning,
  timestamp: toRfc3339(now),
});
