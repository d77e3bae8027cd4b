// One program on a host, as its link tells: what started, what comes out, what goes in. Closing it ends the program.
import { LongshoreError } from '#shared/errors.ts';
import { decodeExecFrame, type ExecOutput } from '#shared/protocol/exec-frame.ts';
import type { ExecEnded, ExecInput, ExecRequest, ExecStarted } from '#shared/protocol/exec-parts.ts';
import type { StreamReader } from '#shared/protocol/peer-types.ts';
import type { ExecSession } from '../api/exec.ts';
import type { HostLinks } from '../hosts/host-links.ts';

/** A program takes its input when it likes, and whoever closes the session ends the wait: no answer takes longer. */
const INPUT_LIMIT_MS = 24 * 3600 * 1000;

export type ExecLinks = Pick<HostLinks, 'ask' | 'openStream'>;

/** Resolves once it is known what would run, and where; `begin` makes it run. Throws what the host says against it, or `host_offline`. */
export async function openHostExec(links: ExecLinks, hostId: string, request: ExecRequest): Promise<HostExec> {
  const reader = links.openStream(hostId, 'exec', { ...request, needsPermit: true });
  const messages = readMessages(reader);
  const { value: first } = await messages.next();
  if (first?.kind === 'started') return new HostExec(links, hostId, request.execId, reader, first, messages);
  reader.cancel();
  throw new LongshoreError('protocol_violation', { details: 'a program that has not started' });
}

export class HostExec implements ExecSession {
  readonly id: string;
  readonly started: ExecStarted;
  readonly messages: AsyncIterable<ExecOutput | ExecEnded>;
  readonly #links: ExecLinks;
  readonly #hostId: string;
  readonly #reader: StreamReader;
  readonly #closed = new AbortController();

  constructor(
    links: ExecLinks,
    hostId: string,
    id: string,
    reader: StreamReader,
    started: ExecStarted,
    messages: AsyncGenerator<Message>,
  ) {
    this.#links = links;
    this.#hostId = hostId;
    this.#reader = reader;
    this.id = id;
    this.started = started;
    this.messages = withoutStart(messages);
  }

  /** Resolves once the program runs. Throws what the host says against it, or `host_offline`. */
  begin(): Promise<void> {
    return this.send({ isPermit: true });
  }

  async send(input: ExecInput): Promise<void> {
    const options = { timeoutMs: INPUT_LIMIT_MS, signal: this.#closed.signal };
    await this.#links.ask(this.#hostId, 'exec.input', { execId: this.id, ...input }, options);
  }

  close(): void {
    this.#reader.cancel();
    this.#closed.abort(new LongshoreError('cancelled'));
  }
}

type Message = ExecOutput | ExecEnded | ExecStarted;

async function* readMessages(reader: StreamReader): AsyncGenerator<Message> {
  try {
    for await (const frame of reader) yield decodeExecFrame(frame);
  } catch (cause) {
    if (!(cause instanceof LongshoreError) || cause.code !== 'link_closed') throw cause;
    throw new LongshoreError('host_offline', { cause });
  }
}

async function* withoutStart(messages: AsyncGenerator<Message>): AsyncGenerator<ExecOutput | ExecEnded> {
  for await (const message of messages) {
    if (message.kind === 'started') throw new LongshoreError('protocol_violation', { details: 'a second start' });
    yield message;
  }
}
