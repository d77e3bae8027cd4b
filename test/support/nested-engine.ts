// A Docker Engine of the test's own, to be stopped, killed and frozen: the one of this machine belongs to all tests.
// Without networks, so that it leaves the machine's firewall alone: its containers need `network_mode: none`.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { Test } from 'tap';
import { docker } from './docker.ts';
import { eventually } from './eventually.ts';
import { makeFolder } from './folder.ts';

export class NestedEngine {
  readonly #dir: string;
  #daemon: ChildProcess | undefined;

  constructor(dir: string) {
    this.#dir = dir;
  }

  get socket(): string {
    return join(this.#dir, 'docker.sock');
  }

  docker(...args: string[]): Promise<string> {
    return docker(['-H', `unix://${this.socket}`, ...args]);
  }

  /** Resolves when it answers. */
  async start(): Promise<void> {
    const log = openSync(join(this.#dir, 'log'), 'a');
    const folders = ['--data-root', join(this.#dir, 'data'), '--exec-root', join(this.#dir, 'exec')];
    const alone = ['--bridge', 'none', '--iptables=false', '--ip6tables=false', '--storage-driver', 'vfs'];
    const files = ['--pidfile', join(this.#dir, 'pid'), '--config-file', '/dev/null'];
    const args = [...folders, ...alone, ...files, '-H', `unix://${this.socket}`];
    // In a network namespace of its own: an engine without a bridge removes the docker0 that it finds, also another's.
    this.#daemon = spawn('unshare', ['--net', '--', 'dockerd', ...args], { stdio: ['ignore', log, log] });
    closeSync(log);
    await eventually(() => this.docker('version'), { timeoutMs: 60_000 }).catch((error: unknown) => {
      throw new Error(`the nested engine does not start: ${this.#lastWords()}`, { cause: error });
    });
  }

  /** As `systemctl stop docker` does it: its containers end as well. */
  stop(): Promise<void> {
    return this.#end('SIGTERM');
  }

  /** As if it hung: it takes connections, and answers nothing. Its containers run on. */
  freeze(): void {
    this.#daemon?.kill('SIGSTOP');
  }

  thaw(): void {
    this.#daemon?.kill('SIGCONT');
  }

  /** Puts an image of this machine's engine there, too. */
  async load(image: string): Promise<void> {
    const file = join(this.#dir, 'image.tar');
    await docker(['save', '-o', file, image]);
    await this.docker('load', '-i', file);
    rmSync(file);
  }

  async remove(): Promise<void> {
    this.thaw();
    const left = await this.docker('ps', '-aq').catch(() => '');
    if (left) await this.docker('rm', '-f', ...left.split('\n'));
    await this.#end('SIGTERM');
  }

  async #end(signal: NodeJS.Signals): Promise<void> {
    const daemon = this.#daemon;
    if (!daemon || daemon.exitCode !== null || daemon.signalCode !== null) return;
    const gone = once(daemon, 'exit');
    daemon.kill(signal);
    await gone;
  }

  #lastWords(): string {
    return readFileSync(join(this.#dir, 'log'), 'utf8').slice(-2000);
  }
}

/** A running one that has busybox:1; gone when the test ends. Needs root. */
export async function startNestedEngine(t: Test): Promise<NestedEngine> {
  const engine = new NestedEngine(makeFolder(t, 'engine'));
  t.teardown(() => engine.remove());
  await engine.start();
  await engine.load('busybox:1');
  return engine;
}
