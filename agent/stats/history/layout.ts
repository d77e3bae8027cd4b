// Where in the file the slot of a time lies: two rings, one of fine slots and one of coarse. A time has one place, so
// nothing has to be remembered to go on after a restart, and a clock that jumps leaves a gap at worst. Pure.
import { crc32 } from 'node:zlib';
import { slotBytes } from './slot.ts';

export const RINGS = {
  /** An hour, and a minute so that a whole hour is there at any moment. */
  fine: { stepMs: 10_000, slots: 366, first: 0 },
  /** Seven days, and an hour. */
  coarse: { stepMs: 60_000, slots: 7 * 24 * 60 + 60, first: 366 },
} as const;
export type RingName = keyof typeof RINGS;

export const RETENTION_MS = 7 * 24 * 3600_000;
export const FINE_RETENTION_MS = 3600_000;

/** Records a slot has room for. The file doubles when a host outgrows it; what is beyond the last has no history. */
export const CAPACITIES = [32, 64, 128, 256] as const;
export const MAX_CAPACITY = 256;
/** The smallest that has room for so many. */
export const capacityFor = (records: number): number => CAPACITIES.find((size) => size >= records) ?? MAX_CAPACITY;

const SLOTS = RINGS.fine.slots + RINGS.coarse.slots;
const MAGIC = 'LSSTATS1';
export const HEADER_BYTES = 64;

export const fileBytes = (capacity: number): number => HEADER_BYTES + SLOTS * slotBytes(capacity);

export function encodeHeader(capacity: number): Buffer {
  const bytes = Buffer.alloc(HEADER_BYTES);
  bytes.write(MAGIC, 0, 'latin1');
  bytes.writeUInt32LE(capacity, 8);
  bytes.writeUInt32LE(crc32(bytes.subarray(0, 12)), 12);
  return bytes;
}

/** The capacity of a file with this beginning and length; undefined for one that is not ours, or not whole. */
export function decodeHeader(bytes: Buffer, length: number): number | undefined {
  if (bytes.length < HEADER_BYTES || bytes.toString('latin1', 0, MAGIC.length) !== MAGIC) return undefined;
  const capacity = bytes.readUInt32LE(8);
  const isSound = bytes.readUInt32LE(12) === crc32(bytes.subarray(0, 12));
  return isSound && length === fileBytes(capacity) ? capacity : undefined;
}

/** The start of the stretch that a measurement stands for: a timer may fire a moment early. */
export const slotAt = (now: number, { stepMs }: { stepMs: number }): number => Math.round(now / stepMs) * stepMs;

/** Byte offset of the slot of this time. */
export function placeOfSlot(ring: RingName, at: number, capacity: number): number {
  const { stepMs, slots, first } = RINGS[ring];
  return HEADER_BYTES + (first + (Math.floor(at / stepMs) % slots)) * slotBytes(capacity);
}
