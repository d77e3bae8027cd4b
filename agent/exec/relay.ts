// The output of one program on its way to control: without secrets, in frames, and no more of it than was asked for.
import { encodeExecOutput, type ExecStream } from '#shared/protocol/exec-frame.ts';
import type { StreamWriter } from '#shared/protocol/peer-types.ts';
import type { Clock } from '#shared/time.ts';
import type { ExecOutputPart } from '../docker/running-exec.ts';
import type { FindMask } from '../secrets/mask.ts';
import { MaskedOutput } from './masked-output.ts';

/** Advised by the stream (shared/protocol/peer-types.ts). */
const FRAME_BYTES = 64 * 1024;
/** A person who types a letter that a secret begins with sees it after this long. */
const QUIET_MS = 50;

export interface RelayOptions {
  writer: Pick<StreamWriter, 'write'>;
  findMask: FindMask;
  /** Past it output is dropped; null: none is. */
  limitBytes: number | null;
  /** Somebody watches: what is held back for a secret that may follow goes out when nothing does. */
  isWatched: boolean;
  clock: Clock;
}

export class ExecRelay {
  readonly #options: RelayOptions;
  readonly #masked: Record<ExecStream, MaskedOutput>;
  #room: number;
  #isTruncated = false;
  #cancelFlush: () => void = () => undefined;

  constructor(options: RelayOptions) {
    this.#options = options;
    this.#masked = { stdout: new MaskedOutput(options.findMask), stderr: new MaskedOutput(options.findMask) };
    this.#room = options.limitBytes ?? Infinity;
  }

  get isTruncated(): boolean {
    return this.#isTruncated;
  }

  /** All of it, at the pace of the far side. Rejects when that is gone, or with the fault of the output. */
  async run(output: AsyncIterable<ExecOutputPart>): Promise<void> {
    try {
      for await (const { stream, bytes } of output) {
        this.#cancelFlush();
        await this.#send(stream, this.#masked[stream].push(bytes));
        if (this.#options.isWatched && this.#masked[stream].holds) this.#flushSoon();
      }
    } finally {
      this.#cancelFlush();
    }
    await this.#flush();
  }

  #flushSoon(): void {
    this.#cancelFlush = this.#options.clock.after(QUIET_MS, () => {
      this.#flush().catch(() => {}); // a far side that is gone shows at the next piece
    });
  }

  async #flush(): Promise<void> {
    for (const stream of ['stdout', 'stderr'] as const) await this.#send(stream, this.#masked[stream].flush());
  }

  /** What is past the limit is still read: the program must not wait for somebody who does not want it. */
  async #send(stream: ExecStream, bytes: Buffer): Promise<void> {
    const wanted = bytes.subarray(0, this.#room);
    this.#room -= wanted.length;
    if (wanted.length < bytes.length) this.#isTruncated = true;
    for (let at = 0; at < wanted.length; at += FRAME_BYTES)
      await this.#options.writer.write(encodeExecOutput(stream, wanted.subarray(at, at + FRAME_BYTES)));
  }
}
