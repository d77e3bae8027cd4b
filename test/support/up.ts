// `longshore up` as a real process on a port and in a folder of its own, for tests that watch it from outside.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Test } from 'tap';
import { eventually } from './eventually.ts';
import { makeFolder } from './folder.ts';
import { freePort } from './free-port.ts';
import { Program } from './stack.ts';

export const CLI = fileURLToPath(new URL('../../cli/main.ts', import.meta.url));

/** A test asks more often than a person, and limits have tests of their own. */
const NO_LIMITS = { LONGSHORE_RATE_LIMIT: '1000000', LONGSHORE_RATE_LIMIT_DEPLOY: '1000000' };
const READY_LIMIT_MS = 30_000;

export class Up {
  readonly url: string;
  readonly dataDir: string;
  readonly #program: Program;

  constructor(port: number, dir: string, env: Record<string, string> = {}) {
    this.url = `http://127.0.0.1:${port}`;
    this.dataDir = join(dir, 'data');
    const args = [CLI, 'up', '--port', String(port), '--data-dir', this.dataDir];
    this.#program = new Program(args, join(dir, 'up.log'), { ...NO_LIMITS, ...env });
  }

  /** Starts it, again after an end too, and waits until it is ready. */
  async start(): Promise<void> {
    this.#program.start();
    await eventually(async () => (await fetch(`${this.url}/readyz`)).ok, { timeoutMs: READY_LIMIT_MS });
  }

  /** As Ctrl-C does; resolves with the exit code. */
  stop(): Promise<number | null> {
    return this.#program.end('SIGTERM');
  }

  /** kill -9. */
  async kill(): Promise<void> {
    await this.#program.end('SIGKILL');
  }

  get key(): string {
    return readFileSync(join(this.dataDir, 'admin.key'), 'utf8').trim();
  }

  /** What it printed, on both streams. */
  get output(): string {
    return this.#program.output;
  }

  /** For a client run beside it. */
  get env(): { LONGSHORE_URL: string; LONGSHORE_API_KEY: string } {
    return { LONGSHORE_URL: this.url, LONGSHORE_API_KEY: this.key };
  }
}

/** A running one, gone when the test ends. Services it was told to run are the test's to remove. `env`: its settings. */
export async function startUp(t: Test, env: Record<string, string> = {}): Promise<Up> {
  const dir = makeFolder(t, 'up');
  const up = new Up(await freePort(), dir, env);
  t.teardown(() => up.stop());
  await up.start();
  return up;
}
