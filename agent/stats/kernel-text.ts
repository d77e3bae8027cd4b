// Reads a file of /proc or /sys that stays open, from its beginning: the kernel makes its text at each read.
import { readSync } from 'node:fs';

/** The largest, the interfaces of a host with hundreds of containers, have some ten KiB; a read gives all or the beginning. */
const buffer = Buffer.allocUnsafe(64 * 1024);

export const kernelText = (file: number): string =>
  buffer.toString('latin1', 0, readSync(file, buffer, 0, buffer.length, 0));
