// One round of measuring as bytes. Pure. A slot is a head with the host's figures, then a record a container:
//
//     0 crc32 of what follows   4 time of the slot, s   8 time of the measurement, s   12 records   14 spare
//    16 figures of the host, 10 × float32   56 spare
//    64 records of 40: hash of the service (6), of the container (6), figures (7 × float32)
//
// Figures that are not known are NaN. A float keeps 24 bits: a byte in 16 MiB, which no figure here is worth.
import { hash } from 'node:crypto';
import { crc32 } from 'node:zlib';
import { HOST_FIGURES, USAGE_FIGURES, type Figures, type HostUsage, type Usage } from '#shared/stats.ts';

export const HEAD_BYTES = 64;
export const RECORD_BYTES = 40;
const HOST_AT = 16;
const HASH_BYTES = 6;
const FLOAT_BYTES = 4;

export interface ContainerRecord {
  /** See `keyOf`; the container's is 0 for a service of which none runs. */
  service: number;
  container: number;
  usage: Usage;
}

export interface Slot {
  /** Start of the stretch that it stands for, milliseconds since the epoch; whole seconds. */
  at: number;
  /** When it was measured. */
  sampledAt: number;
  host: HostUsage;
  containers: ContainerRecord[];
}

/** Names of any length in 48 bits: among ten thousand names two are alike once in six million hosts. */
export const keyOf = (name: string): number => parseInt(hash('sha256', name, 'hex').slice(0, 2 * HASH_BYTES), 16);

export const slotBytes = (capacity: number): number => HEAD_BYTES + capacity * RECORD_BYTES;

export function encodeSlot({ at, sampledAt, host, containers }: Slot): Buffer {
  const bytes = Buffer.alloc(slotBytes(containers.length));
  bytes.writeUInt32LE(at / 1000, 4);
  bytes.writeUInt32LE(Math.floor(sampledAt / 1000), 8);
  bytes.writeUInt16LE(containers.length, 12);
  writeFigures(bytes, HOST_AT, HOST_FIGURES, host);
  containers.forEach(({ service, container, usage }, i) => {
    const start = slotBytes(i);
    bytes.writeUIntLE(service, start, HASH_BYTES);
    bytes.writeUIntLE(container, start + HASH_BYTES, HASH_BYTES);
    writeFigures(bytes, start + 2 * HASH_BYTES, USAGE_FIGURES, usage);
  });
  bytes.writeUInt32LE(crc32(bytes.subarray(4)), 0);
  return bytes;
}

/**
 * Undefined for what is not the slot of this time: never written, of a round before, cut off in the middle. `service`
 * leaves the others' records out.
 */
export function decodeSlot(bytes: Buffer, at: number, service?: number): Slot | undefined {
  if (bytes.length < HEAD_BYTES || bytes.readUInt32LE(4) * 1000 !== at) return undefined;
  const count = bytes.readUInt16LE(12);
  const end = slotBytes(count);
  if (bytes.length < end || bytes.readUInt32LE(0) !== crc32(bytes.subarray(4, end))) return undefined;
  const containers: ContainerRecord[] = [];
  for (let start = HEAD_BYTES; start < end; start += RECORD_BYTES) {
    const owner = bytes.readUIntLE(start, HASH_BYTES);
    if (service !== undefined && service !== owner) continue;
    const container = bytes.readUIntLE(start + HASH_BYTES, HASH_BYTES);
    containers.push({ service: owner, container, usage: readFigures(bytes, start + 2 * HASH_BYTES, USAGE_FIGURES) });
  }
  const host = readFigures(bytes, HOST_AT, HOST_FIGURES);
  return { at, sampledAt: bytes.readUInt32LE(8) * 1000, host, containers };
}

function writeFigures(bytes: Buffer, start: number, names: readonly string[], figures: Figures): void {
  names.forEach((name, i) => bytes.writeFloatLE(figures[name] ?? Number.NaN, start + i * FLOAT_BYTES));
}

function readFigures<Name extends string>(bytes: Buffer, start: number, names: readonly Name[]): Figures<Name> {
  const values = names.map((name, i) => {
    const value = bytes.readFloatLE(start + i * FLOAT_BYTES);
    return [name, Number.isFinite(value) ? value : null] as const;
  });
  return Object.fromEntries(values) as Figures<Name>;
}
