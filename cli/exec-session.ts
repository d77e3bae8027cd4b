// A program that is talked to: stdin goes in, its output comes out, and on a terminal every key is the program's.
import type { WireError } from '#shared/errors.ts';
import { LongshoreError } from '#shared/errors.ts';
import type { Session } from './command.ts';
import { ApiError } from './failures.ts';
import { openSocket, type MessageSocket } from './socket.ts';
import { columnsOf, rowsOf, type World } from './world.ts';

/** Of stdin in one message. */
const PIECE_BYTES = 64 * 1024;

export interface Manner {
  takesInput: boolean;
  hasTerminal: boolean;
}

type Message =
  | { type: 'exec.started'; container: string }
  | { type: 'exec.output'; stream: 'stdout' | 'stderr'; data: string }
  | { type: 'exec.exit'; exit_code: number | null; left_running: boolean }
  | { type: 'error'; error: WireError };

/** Resolves with the exit code. */
export async function runAttached(session: Session, path: string, order: object, manner: Manner): Promise<number> {
  const { world, client } = session;
  using socket = await openSocket(client, path, {}).catch((error: unknown) => explain(session, path, error));
  const size = sizeOf(world);
  socket.send({ type: 'exec.start', ...order, tty: manner.hasTerminal, ...size });
  let detach = nothing;
  try {
    for await (const text of socket) {
      const message = JSON.parse(text) as Message;
      if (message.type === 'exec.started') detach = attach(world, socket, manner, size);
      else if (message.type === 'exec.exit') return exitCodeOf(session, message);
      else if (message.type === 'exec.output') world[message.stream].write(Buffer.from(message.data, 'base64'));
      else throw ApiError.answered(message.error, undefined);
    }
  } finally {
    detach();
  }
  client.signal.throwIfAborted();
  throw new LongshoreError('link_closed', { message: 'The connection closed before the program ended' });
}

/** A refused WebSocket does not say why: the same path without it does, unless nothing is wrong but the way. */
async function explain({ client }: Session, path: string, refusal: unknown): Promise<never> {
  await client.get(path).catch((reason: unknown) => {
    if (!(reason instanceof ApiError) || reason.code !== 'bad_request') throw reason;
  });
  throw refusal;
}

function exitCodeOf(
  { output }: Session,
  { exit_code: code, left_running: isLeft }: Extract<Message, { type: 'exec.exit' }>,
): number {
  if (isLeft) output.note('the program could not be ended and may still run');
  if (code === null) throw new LongshoreError('interrupted', { message: 'The program was ended' });
  return code;
}

/** Passes on what is typed and how large the window is; returns what gives the terminal back. */
function attach(world: World, socket: MessageSocket, { takesInput, hasTerminal }: Manner, told: Size): () => void {
  const { stdin, stdout } = world;
  const isRaw = hasTerminal && takesInput && stdin.isTTY === true;
  const resize = () => socket.send({ type: 'exec.resize', ...sizeOf(world) });
  const { cols, rows } = sizeOf(world);
  const type = (bytes: Buffer) => {
    for (let at = 0; at < bytes.length; at += PIECE_BYTES)
      socket.send({ type: 'exec.input', data: bytes.subarray(at, at + PIECE_BYTES).toString('base64') });
  };
  const end = () => socket.send({ type: 'exec.input', end: true });
  if (isRaw) stdin.setRawMode?.(true);
  if (hasTerminal) stdout.on('resize', resize);
  if (hasTerminal && (cols !== told.cols || rows !== told.rows)) resize(); // while it was being started
  if (takesInput) stdin.on('data', type).once('end', end);
  else end();
  return () => {
    stdin.off('data', type).off('end', end).pause();
    stdout.off('resize', resize);
    if (isRaw) stdin.setRawMode?.(false);
  };
}

const nothing = (): void => undefined;

interface Size {
  cols: number;
  rows: number;
}

const sizeOf = ({ stdout }: World): Size => ({
  cols: columnsOf(stdout),
  rows: rowsOf(stdout),
});
