// Opens a container's log at the Docker Engine: a socket of our own that is read when somebody wants bytes.
//
// HTTP/1.0, because dockerd flushes after every line: under HTTP/1.1 each line is a chunk of its own and a client calls
// back for each; under 1.0 the body is the bare bytes up to the end of the connection.
import { connect, type Socket } from 'node:net';
import { LongshoreError } from '#shared/errors.ts';
import type { Clock } from '#shared/time.ts';

/** Served by every Engine from 25 on and by those to come. */
const API_VERSION = 'v1.44';
const READ_BYTES = 64 * 1024;
/** dockerd answers in milliseconds; one that hangs must not hold a viewer for ever. */
const OPEN_LIMIT_MS = 10_000;
/** Of a log that is not followed: Docker unpacks files on the way, and looks for a time from the start of each. */
const SILENCE_LIMIT_MS = 120_000;
const MAX_HEAD_BYTES = 16 * 1024;
/** After a read smaller than this we let a little more arrive: dockerd writes single lines, and a wake-up costs as much as 20. */
const SMALL_READ_BYTES = 4 * 1024;
const GATHER_MS = 1;

export interface LogRequest {
  containerId: string;
  /** Records from the end; null is all. */
  tail: number | null;
  /** Unix time `seconds.nanoseconds`, inclusive. */
  since: string | null;
  follow: boolean;
}

export interface LogSource {
  readonly isTty: boolean;
  /**
   * The next bytes, valid until the next call; null at the end. Docker waits while nobody reads. Throws
   * `docker_unavailable` when a log that is not followed stops in the middle.
   */
  read(): Promise<Uint8Array | null>;
  close(): void;
}

/** Undefined when there is no such container (any more); `not_supported` when its log driver cannot be read. */
export async function openLogSource(
  socketPath: string,
  request: LogRequest,
  clock: Clock,
): Promise<LogSource | undefined> {
  const reader = new SocketReader(socketPath, requestText(request), clock);
  const cancelLimit = clock.after(OPEN_LIMIT_MS, () => reader.close(new LongshoreError('docker_unavailable')));
  try {
    const head = await reader.readHead();
    const status = Number(head.split(' ', 2)[1]);
    const read = () => (request.follow ? reader.read() : reader.readWithin(SILENCE_LIMIT_MS));
    if (status === 200) return { isTty: isTty(head), read, close: () => reader.close() };
    reader.close();
    // 409: dead or marked for removal.
    if (status === 404 || status === 409) return undefined;
    if (status === 501 || status === 500) throw new LongshoreError('not_supported', { message: NO_LOGS });
    throw new LongshoreError('docker_error', { message: `Docker answered ${status} to a request for logs` });
  } finally {
    cancelLimit();
  }
}

const NO_LOGS = "The container's log driver keeps no logs that can be read";

const isTty = (head: string): boolean => /^content-type:\s*application\/vnd\.docker\.raw-stream/im.test(head);

function requestText({ containerId, tail, since, follow }: LogRequest): string {
  const query = new URLSearchParams({ stdout: '1', stderr: '1', timestamps: '1', tail: String(tail ?? 'all') });
  if (since !== null) query.set('since', since);
  if (follow) query.set('follow', '1');
  const path = `/${API_VERSION}/containers/${encodeURIComponent(containerId)}/logs?${query.toString()}`;
  return `GET ${path} HTTP/1.0\r\nHost: docker\r\n\r\n`;
}

class SocketReader {
  readonly #socket: Socket;
  readonly #clock: Clock;
  readonly #buffer = Buffer.allocUnsafeSlow(READ_BYTES);
  /** Bytes of the buffer that nobody took yet. */
  #ready: Uint8Array | undefined;
  #isEnded = false;
  #error: Error | undefined;
  #wake: (() => void) | undefined;
  #wasSmall = false;

  constructor(socketPath: string, request: string, clock: Clock) {
    this.#clock = clock;
    const onread = { buffer: this.#buffer, callback: (bytes: number) => this.#take(bytes) };
    this.#socket = connect({ path: socketPath, onread });
    this.#socket.on('error', (error) => {
      this.#error ??= new LongshoreError('docker_unavailable', { cause: error });
    });
    this.#socket.on('close', () => {
      this.#isEnded = true;
      this.#wake?.();
    });
    this.#socket.write(request);
  }

  async read(): Promise<Uint8Array | null> {
    if (!this.#ready && !this.#isEnded) await this.#next();
    const bytes = this.#ready;
    this.#ready = undefined;
    if (bytes) return bytes;
    if (this.#error) throw this.#error;
    return null;
  }

  async readWithin(limitMs: number): Promise<Uint8Array | null> {
    const cancelLimit = this.#clock.after(limitMs, () => this.close(new LongshoreError('docker_unavailable')));
    return this.read().finally(cancelLimit);
  }

  /** The response's head as text; what follows it stays for read(). */
  async readHead(): Promise<string> {
    let head = Buffer.alloc(0);
    for (;;) {
      const bytes = await this.read();
      if (!bytes || head.length > MAX_HEAD_BYTES) throw new LongshoreError('docker_unavailable');
      head = Buffer.concat([head, bytes]);
      const end = head.indexOf('\r\n\r\n');
      if (end < 0) continue;
      if (head.length > end + 4) this.#ready = head.subarray(end + 4);
      return head.toString('latin1', 0, end);
    }
  }

  close(error?: Error): void {
    this.#error ??= error;
    this.#isEnded = true;
    this.#socket.destroy();
    this.#wake?.();
  }

  /** Reading stops after each buffer; the kernel, and through it dockerd, holds what comes meanwhile. */
  #take(bytes: number): boolean {
    this.#ready = this.#buffer.subarray(0, bytes);
    this.#wasSmall = bytes < SMALL_READ_BYTES;
    this.#wake?.();
    return false;
  }

  #next(): Promise<void> {
    return new Promise((resolve) => {
      this.#wake = () => {
        this.#wake = undefined;
        resolve();
      };
      if (this.#wasSmall) this.#clock.after(GATHER_MS, () => this.#socket.resume());
      else this.#socket.resume();
    });
  }
}
