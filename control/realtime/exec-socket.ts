// A WebSocket that a program in a container is behind: `GET /api/services/:id/exec`.
//
//   waiting ──exec.start──▶ starting ──exec.started──▶ running ──exec.exit──▶ closed (1000)
//
// It reads no faster than the program does and is read no faster than its client does, so little waits here. Closing it,
// from whichever side, ends the program.
import type { WebSocket } from 'ws';
import { LongshoreError } from '#shared/errors.ts';
import { MAX_EXEC_INPUT_BYTES } from '#shared/protocol/exec-parts.ts';
import { CLOSE } from '#shared/protocol/limits.ts';
import type { Clock } from '#shared/time.ts';
import type { ExecSession, TerminalOrder } from '../app/api/exec.ts';
import {
  exitMessage,
  outputMessage,
  readLater,
  readStart,
  startedMessage,
  type LaterMessage,
} from './exec-messages.ts';
import { closeWithError } from './socket-fault.ts';

/** For the first message, which clients send at once. */
const START_LIMIT_MS = 10_000;
/** Without input and output: a terminal that was left open is a door that was left open. */
export const IDLE_LIMIT_MS = 15 * 60_000;
/** Messages of a client that wait for the program; past it nothing more is read of the socket. */
const MAX_WAITING_CHARS = 256 * 1024;
/** What one costs beside its text: empty ones must not pile up either. */
const MESSAGE_CHARS = 64;

export interface ExecSocketDeps {
  open: (order: TerminalOrder) => Promise<ExecSession>;
  clock: Clock;
}

export function serveExecSocket(socket: WebSocket, deps: ExecSocketDeps): void {
  const served = new ExecSocket(socket, deps);
  socket.once('close', () => served.end());
  void served.run();
}

class ExecSocket {
  readonly #socket: WebSocket;
  readonly #deps: ExecSocketDeps;
  readonly #inbox: Inbox;
  #session: ExecSession | undefined;
  #isOver = false;
  #cancelTimer: () => void;

  constructor(socket: WebSocket, deps: ExecSocketDeps) {
    this.#socket = socket;
    this.#deps = deps;
    this.#inbox = new Inbox(socket);
    this.#cancelTimer = deps.clock.after(START_LIMIT_MS, () => socket.close(CLOSE.timeout, 'no exec.start'));
  }

  end(): void {
    this.#isOver = true;
    this.#cancelTimer();
    this.#inbox.end();
    this.#session?.close();
  }

  async run(): Promise<void> {
    try {
      const first = await this.#inbox.take();
      if (first === undefined) return;
      const order = readStart(first);
      this.#stillThere();
      this.#session = await this.#deps.open(order);
      if (this.#isOver) this.#session.close();
      this.#passInput(this.#session).catch((error: unknown) => this.#fail(error));
      await this.#passOutput(this.#session);
    } catch (error) {
      this.#fail(error);
    }
  }

  async #passOutput({ started, messages }: ExecSession): Promise<void> {
    const { clock } = this.#deps;
    await this.#send(startedMessage(started, clock.now()));
    for await (const message of messages) {
      this.#stillThere();
      if (message.kind === 'output') await this.#send(outputMessage(message));
      else {
        await this.#send(exitMessage(message, clock.now()));
        return this.#socket.close(CLOSE.normal, 'the program ended');
      }
    }
    throw new LongshoreError('protocol_violation', { details: 'a program without an end' });
  }

  async #passInput(session: ExecSession): Promise<void> {
    for (let text = await this.#inbox.take(); text !== undefined; text = await this.#inbox.take()) {
      const message = readLater(text);
      this.#stillThere();
      await passOn(session, message);
    }
  }

  #fail(error: unknown): void {
    if (this.#isOver) return; // it was closed while something was under way
    closeWithError(this.#socket, error);
    this.end();
  }

  #stillThere(): void {
    this.#cancelTimer();
    if (this.#isOver) return;
    this.#cancelTimer = this.#deps.clock.after(IDLE_LIMIT_MS, () => {
      this.#socket.close(CLOSE.timeout, 'idle');
      this.end();
    });
  }

  /** Resolves when it is with the kernel, or nobody is there any more. */
  #send(message: object): Promise<void> {
    return new Promise((resolve) => this.#socket.send(JSON.stringify(message), () => resolve()));
  }
}

async function passOn(session: ExecSession, message: LaterMessage): Promise<void> {
  if (message.type === 'exec.resize') {
    const { cols: columns, rows } = message;
    return session.send({ size: { columns, rows } });
  }
  const bytes = Buffer.from(message.data, 'base64');
  for (let at = 0; at < bytes.length; at += MAX_EXEC_INPUT_BYTES)
    await session.send({ data: bytes.subarray(at, at + MAX_EXEC_INPUT_BYTES).toString('base64') });
  if (message.end) await session.send({ isLast: true });
}

/** What the client said, one at a time. Stops reading the socket while too much waits. */
class Inbox {
  readonly #socket: WebSocket;
  readonly #waiting: string[] = [];
  #chars = 0;
  #hasEnded = false;
  #wake: (() => void) | undefined;

  constructor(socket: WebSocket) {
    this.#socket = socket;
    socket.on('message', (data: Buffer, isBinary: boolean) => this.#push(isBinary ? '' : data.toString('utf8')));
  }

  /** Undefined when nothing more comes. */
  async take(): Promise<string | undefined> {
    while (this.#waiting.length === 0 && !this.#hasEnded) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
    const text = this.#isHeard ? this.#waiting.shift() : undefined;
    this.#chars -= text === undefined ? 0 : text.length + MESSAGE_CHARS;
    if (this.#socket.isPaused && this.#chars < MAX_WAITING_CHARS) this.#socket.resume();
    return text;
  }

  end(): void {
    this.#hasEnded = true;
    this.#socket.resume(); // or the goodbye of the other side would not be read
    this.#wake?.();
  }

  /** A socket that we are closing, for a key that was revoked, say, still brings messages until its client knows. */
  get #isHeard(): boolean {
    return !this.#hasEnded && this.#socket.readyState === this.#socket.OPEN;
  }

  #push(text: string): void {
    if (!this.#isHeard) return;
    this.#waiting.push(text);
    this.#chars += text.length + MESSAGE_CHARS;
    if (this.#chars >= MAX_WAITING_CHARS) this.#socket.pause();
    this.#wake?.();
  }
}
