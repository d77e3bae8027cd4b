// The image of the container that works on volumes: no programs, only where those of the host are put. Pure.
import { createHash } from 'node:crypto';

/** A folder in the root of the host: a link to somewhere below /usr, or (null) one of its own. */
export interface RootFolder {
  name: string;
  target: string | null;
}

/** The folders in the root that hold programs and what they load. */
export const PROGRAM_FOLDERS: readonly string[] = ['bin', 'lib', 'lib64', 'sbin'];

const BLOCK = 512;
const DIRECTORY = '5';
const SYMLINK = '2';

/** A tar with `/usr` and these: links as they are on the host, everything else as an empty folder to mount on. */
export function toolImage(folders: readonly RootFolder[]): Buffer {
  const headers = folders.map(({ name, target }) =>
    target === null ? header(`${name}/`, DIRECTORY, '') : header(name, SYMLINK, target),
  );
  return Buffer.concat([header('usr/', DIRECTORY, ''), ...headers, Buffer.alloc(2 * BLOCK)]);
}

/** Another text for another image. */
export const imageName = (folders: readonly RootFolder[]): string =>
  `longshore/restore:${createHash('sha256').update(toolImage(folders)).digest('hex').slice(0, 16)}`;

/** POSIX ustar; names and targets are short. */
function header(name: string, type: string, target: string): Buffer {
  const block = Buffer.alloc(BLOCK);
  const fields: [at: number, text: string][] = [
    [0, name],
    [100, '0000755\0'],
    [108, '0000000\0'],
    [116, '0000000\0'],
    [124, '00000000000\0'],
    [136, '00000000000\0'],
    [148, '        '], // counted as blanks in its own sum
    [156, type],
    [157, target],
    [257, 'ustar\x0000'],
  ];
  for (const [at, text] of fields) block.write(text, at, 'latin1');
  const sum = block.reduce((total, byte) => total + byte, 0);
  block.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148, 'latin1');
  return block;
}
