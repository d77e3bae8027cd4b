// The programs a build calls: by their argv, with English messages and in no time zone.
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { LongshoreError } from '#shared/errors.ts';

/** Room for what npm and tar list. */
const OUTPUT_BYTES = 4 * 1024 * 1024;

/** What it printed. Throws `state_conflict` with its last words. */
export async function runProgram(program: string, args: string[], cwd?: string): Promise<string> {
  try {
    const env = { ...process.env, LC_ALL: 'C', TZ: 'UTC' };
    const { stdout } = await promisify(execFile)(program, args, { maxBuffer: OUTPUT_BYTES, env, cwd });
    return stdout;
  } catch (error) {
    const { code, stderr = '' } = error as { code?: string | number; stderr?: string };
    const message = `Cannot build: ${program} ${code === 'ENOENT' ? 'is not installed' : 'failed'}`;
    throw new LongshoreError('state_conflict', { message, details: stderr.trim().slice(-1000), cause: error });
  }
}
