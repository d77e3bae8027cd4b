// Takes a service's secrets out of a stream of bytes that comes in pieces of any size: what may be the beginning of a
// secret waits for what follows.
import type { FindMask } from '../secrets/mask.ts';

export class MaskedOutput {
  readonly #findMask: FindMask;
  #held: Buffer = Buffer.alloc(0);

  constructor(findMask: FindMask) {
    this.#findMask = findMask;
  }

  get holds(): boolean {
    return this.#held.length > 0;
  }

  /** What may be shown now. */
  push(piece: Buffer): Buffer {
    const bytes = this.#held.length === 0 ? piece : Buffer.concat([this.#held, piece]);
    const end = this.#findMask()?.settledEnd(bytes, 0, bytes.length) ?? bytes.length;
    this.#held = Buffer.from(bytes.subarray(end)); // a copy: the piece it lies in is larger
    return this.#masked(bytes, end);
  }

  /** The rest, when nothing follows soon. */
  flush(): Buffer {
    const rest = this.#held;
    this.#held = Buffer.alloc(0);
    return this.#masked(rest, rest.length);
  }

  #masked(bytes: Buffer, end: number): Buffer {
    return this.#findMask()?.bytes(bytes, 0, end) ?? bytes.subarray(0, end);
  }
}
