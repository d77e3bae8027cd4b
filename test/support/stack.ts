// A control plane and an agent as two real processes, each of which a test may kill and start again.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Api } from './api.ts';
import { eventually } from './eventually.ts';
import { openFolder, removeFolder } from './folder.ts';
import { freePort } from './free-port.ts';

const CLI = fileURLToPath(new URL('../../cli/main.ts', import.meta.url));

/** A process that comes back when told to; its output is kept beside its data for a look after a failure. */
export class Program {
  readonly #args: string[];
  readonly #logFile: string;
  readonly #env: Record<string, string>;
  readonly #node: string;
  #child: ChildProcess | undefined;

  constructor(args: string[], logFile: string, env: Record<string, string> = {}, node = process.execPath) {
    this.#args = args;
    this.#logFile = logFile;
    this.#env = env;
    this.#node = node;
  }

  start(): void {
    const log = openSync(this.#logFile, 'a'); // a pipe would bring words after the end, when their folder is gone
    this.#child = spawn(this.#node, this.#args, {
      stdio: ['ignore', log, log],
      env: { ...process.env, NODE_OPTIONS: '', ...this.#env },
    });
    closeSync(log);
  }

  get pid(): number {
    return this.#child?.pid ?? 0;
  }

  get output(): string {
    return readFileSync(this.#logFile, 'utf8');
  }

  /** Resolves once the process is gone, whoever ended it. */
  async gone(): Promise<void> {
    const child = this.#child;
    if (child?.exitCode === null && child.signalCode === null) await once(child, 'exit');
  }

  /** Resolves with the exit code once the process is gone. */
  async end(signal: NodeJS.Signals): Promise<number | null> {
    const child = this.#child;
    if (!child || child.exitCode !== null || child.signalCode !== null) return child?.exitCode ?? null;
    const gone = once(child, 'exit');
    child.kill(signal);
    const [code] = (await gone) as [number | null];
    return code;
  }
}

export interface Stack {
  dir: string;
  api: Api;
  control: Program;
  agent: Program;
  untilConnected(): Promise<void>;
  stop(): Promise<void>;
}

/** Limits out of the way: a test asks more often than a person, and means something else. */
const GENEROUS = { LONGSHORE_RATE_LIMIT: '1000000', LONGSHORE_RATE_LIMIT_DEPLOY: '1000000' };

export interface StackOptions {
  /** Another build of the agent, a bundle say. */
  agentEntry?: string;
  /** Another build of control, one that is nothing else. */
  controlEntry?: string;
  nodeArgs?: string[];
  /** An unpacked one, which runs in place of the sources, on its own Node. */
  release?: string;
  /** Where control listens; a free one by default. */
  port?: number;
  /** Settings of each. */
  controlEnv?: Record<string, string>;
  agentEnv?: Record<string, string>;
}

/** Starts both and waits until the host is connected. */
export async function startStack(options: StackOptions = {}): Promise<Stack> {
  const dir = openFolder('stack');
  const url = `http://127.0.0.1:${options.port ?? (await freePort())}`;
  const { release } = options;
  const node = release && join(release, 'bin/node');
  const cli = release ? join(release, 'lib/longshore.mjs') : CLI;
  const controlEntry = options.controlEntry ? [options.controlEntry] : [cli, 'control'];
  const control = new Program(
    [...controlEntry, '--listen', url.slice('http://'.length), '--data-dir', join(dir, 'control')],
    join(dir, 'control.log'),
    { ...GENEROUS, ...options.controlEnv },
    node,
  );
  control.start();
  const keyFile = join(dir, 'control', 'admin.key');
  const key = await eventually(() => readFileSync(keyFile, 'utf8').trim(), { timeoutMs: 30_000 });
  const api = new Api(url, key);
  await eventually(async () => (await fetch(`${url}/healthz`)).ok, { timeoutMs: 30_000 });

  const { token } = (await api.post<{ token: string }>('/api/hosts/join-tokens', {})).body;
  const agentEntry = release ? join(release, 'lib/agent.mjs') : options.agentEntry;
  const entry = agentEntry ? [agentEntry] : [CLI, 'agent'];
  const agent = new Program(
    [...(options.nodeArgs ?? []), ...entry, '--token', token, '--data-dir', join(dir, 'agent')],
    join(dir, 'agent.log'),
    // Control is killed every few seconds; in life it is not.
    { LONGSHORE_RECONNECT_MAX: '1', ...options.agentEnv },
    node,
  );
  agent.start();

  const untilConnected = async () => {
    const isConnected = async () =>
      (await api.get<{ data: { status: string }[] }>('/api/hosts')).body.data[0]?.status === 'connected';
    await eventually(isConnected, { timeoutMs: 90_000 }).catch((cause: unknown) => {
      throw new Error(`No connected host; control says:\n${control.output.slice(-2000)}`, { cause });
    });
  };
  await untilConnected();
  const stop = async () => {
    await agent.end('SIGTERM');
    await control.end('SIGTERM');
    await removeFolder(dir);
  };
  return { dir, api, control, agent, untilConnected, stop };
}
