// The one file with what was measured: DATA/stats.ring. Its size is set when it is made and changes only when it doubles
// its room for containers: 14 MB at first, 108 MB at most, sparse until it has gone round once.
//
// Each write is one slot with a checksum of its own, so that a crash in the middle costs that slot. Nothing waits for
// the disk: what the kernel had not written when the power went is lost, half a minute of it. A file that is not ours,
// or not whole, is started anew; nothing but history is in it.
import {
  closeSync,
  fstatSync,
  ftruncateSync,
  openSync,
  read as readFile,
  readSync,
  renameSync,
  rmSync,
  writeSync,
} from 'node:fs';
import { promisify } from 'node:util';
import {
  capacityFor,
  decodeHeader,
  encodeHeader,
  fileBytes,
  HEADER_BYTES,
  MAX_CAPACITY,
  placeOfSlot,
  RINGS,
  type RingName,
} from './layout.ts';
import { decodeSlot, encodeSlot, slotBytes, type Slot } from './slot.ts';

const read = promisify(readFile);
/** Slots in one read: half a megabyte at the smallest size, and the loop is free between two of them. */
const SLOTS_A_READ = 400;

export class RingFile {
  readonly #path: string;
  #file: number;
  #capacity: number;

  private constructor(path: string, file: number, capacity: number) {
    this.#path = path;
    this.#file = file;
    this.#capacity = capacity;
  }

  static open(path: string): RingFile {
    rmSync(`${path}.new`, { force: true }); // of a growth that was cut off
    const known = openKnown(path);
    if (known) return new RingFile(path, known.file, known.capacity);
    rmSync(path, { force: true });
    const capacity = capacityFor(0);
    return new RingFile(path, create(path, capacity), capacity);
  }

  get capacity(): number {
    return this.#capacity;
  }

  /** What is beyond the largest capacity is left out. Throws what the disk says: that it is full. */
  write(ring: RingName, slot: Slot): void {
    const containers = slot.containers.slice(0, MAX_CAPACITY);
    if (containers.length > this.#capacity) this.#grow(capacityFor(containers.length));
    writeSync(this.#file, encodeSlot({ ...slot, containers }), 0, undefined, this.#place(ring, slot.at));
  }

  /** Undefined where nothing whole of that time is there. */
  find(ring: RingName, at: number): Slot | undefined {
    const bytes = Buffer.allocUnsafe(slotBytes(this.#capacity));
    const length = readSync(this.#file, bytes, 0, bytes.length, this.#place(ring, at));
    return decodeSlot(bytes.subarray(0, length), at);
  }

  /** Those from `since` until before `until` that are there, in order. `service` leaves the others' records out. */
  async *range(ring: RingName, since: number, until: number, service?: number): AsyncGenerator<Slot> {
    const { stepMs, slots } = RINGS[ring];
    const end = Math.ceil(until / stepMs);
    const file = openSync(this.#path, 'r'); // its own: the file may grow, and be another one, meanwhile
    const capacity = this.#capacity;
    const size = slotBytes(capacity);
    try {
      for (let index = Math.max(Math.ceil(since / stepMs), end - slots); index < end; ) {
        // Up to where the ring begins anew: the slots of one read lie side by side.
        const count = Math.min(SLOTS_A_READ, end - index, slots - (index % slots));
        const bytes = Buffer.allocUnsafe(count * size);
        const { bytesRead } = await read(file, bytes, 0, bytes.length, placeOfSlot(ring, index * stepMs, capacity));
        for (let i = 0; (i + 1) * size <= bytesRead; i++) {
          const slot = decodeSlot(bytes.subarray(i * size, (i + 1) * size), (index + i) * stepMs, service);
          if (slot) yield slot;
        }
        index += count;
      }
    } finally {
      closeSync(file);
    }
  }

  close(): void {
    closeSync(this.#file);
  }

  #place(ring: RingName, at: number): number {
    return placeOfSlot(ring, at, this.#capacity);
  }

  /** A new file beside the old one takes its place when all is in it: a crash leaves one of the two. */
  #grow(capacity: number): void {
    const path = `${this.#path}.new`;
    const next = create(path, capacity);
    const from = slotBytes(this.#capacity);
    const to = slotBytes(capacity);
    const bytes = Buffer.allocUnsafe(from);
    for (let i = 0; HEADER_BYTES + i * from < fileBytes(this.#capacity); i++) {
      readSync(this.#file, bytes, 0, from, HEADER_BYTES + i * from);
      if (bytes.readUInt32LE(4) !== 0) writeSync(next, bytes, 0, from, HEADER_BYTES + i * to);
    }
    renameSync(path, this.#path);
    closeSync(this.#file);
    this.#file = next;
    this.#capacity = capacity;
  }
}

function openKnown(path: string): { file: number; capacity: number } | undefined {
  let file: number;
  try {
    file = openSync(path, 'r+');
  } catch {
    return undefined; // the first start, or something that is no file
  }
  const header = Buffer.alloc(HEADER_BYTES);
  const stat = fstatSync(file);
  if (stat.isFile()) readSync(file, header, 0, HEADER_BYTES, 0);
  const capacity = decodeHeader(header, stat.size);
  if (capacity !== undefined) return { file, capacity };
  closeSync(file);
  return undefined;
}

function create(path: string, capacity: number): number {
  const file = openSync(path, 'w+', 0o600);
  ftruncateSync(file, fileBytes(capacity));
  writeSync(file, encodeHeader(capacity), 0, HEADER_BYTES, 0);
  return file;
}
