// A real Git repository in a folder of the test, to be cloned from as `file://…`.
import { execFile } from 'node:child_process';
import { chmodSync, mkdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import type { Test } from 'tap';
import { makeFolder } from './folder.ts';

const run = promisify(execFile);

/** Read before anything is sent. */
const HANGING = '.git/packed-refs';

export class GitRepository {
  readonly directory: string;

  constructor(directory: string) {
    this.directory = directory;
  }

  /** On the branch `main`, with one commit; removed when the test ends. */
  static async create(t: Test, files: Record<string, string>): Promise<GitRepository> {
    const directory = makeFolder(t, 'git');
    const repository = new GitRepository(directory);
    await repository.git('init', '--quiet', '--initial-branch=main');
    await repository.commit(files);
    return repository;
  }

  get url(): string {
    return `file://${this.directory}`;
  }

  /** Writes the files and commits all there is; returns the commit. */
  async commit(files: Record<string, string>): Promise<string> {
    for (const [name, text] of Object.entries(files)) {
      mkdirSync(dirname(join(this.directory, name)), { recursive: true });
      writeFileSync(join(this.directory, name), text);
      if (text.startsWith('#!')) chmodSync(join(this.directory, name), 0o755);
    }
    return this.#commitAll();
  }

  /** Another repository's commit stands at `path`; what .gitmodules says of it is the caller's to write. */
  async commitSubmodule(path: string, commit: string, declaration: string): Promise<string> {
    await this.git('update-index', '--add', '--cacheinfo', `160000,${commit},${path}`);
    writeFileSync(join(this.directory, '.gitmodules'), declaration);
    await this.git('add', '.gitmodules');
    await this.git('commit', '--quiet', '--message', 'submodule');
    return this.git('rev-parse', 'HEAD');
  }

  async commitLink(name: string, target: string): Promise<string> {
    symlinkSync(target, join(this.directory, name));
    return this.#commitAll();
  }

  /** `width` to the power of `depth` files, of which each exists once. */
  async commitTreeBomb(width: number, depth: number): Promise<string> {
    const blob = await this.git('rev-parse', 'HEAD:a.txt');
    const names = Array.from({ length: width }, (_, n) => `${n}`);
    let tree = await this.#makeTree(names.map((name) => `100644 blob ${blob}\t${name}`));
    for (let level = 1; level < depth; level++)
      tree = await this.#makeTree(names.map((name) => `040000 tree ${tree}\t${name}`));
    const commit = await this.git('commit-tree', tree, '-m', 'many');
    await this.git('update-ref', 'refs/heads/main', commit);
    return commit;
  }

  /** Whoever fetches now waits until `unhang`: git reads a file that nobody writes to. */
  async makeHang(): Promise<void> {
    await run('mkfifo', [join(this.directory, HANGING)]);
  }

  unhang(): void {
    rmSync(join(this.directory, HANGING));
  }

  async git(...args: string[]): Promise<string> {
    const identity = ['-c', 'user.name=Ada', '-c', 'user.email=ada@example.com', '-c', 'commit.gpgsign=false'];
    const { stdout } = await run('git', ['-C', this.directory, ...identity, ...args]);
    return stdout.trim();
  }

  async #makeTree(lines: readonly string[]): Promise<string> {
    const list = join(this.directory, '.git/tree-to-be');
    writeFileSync(list, `${lines.join('\n')}\n`);
    const { stdout } = await run('sh', ['-c', 'git -C "$1" mktree < "$2"', 'sh', this.directory, list]);
    return stdout.trim();
  }

  async #commitAll(): Promise<string> {
    await this.git('add', '--all');
    await this.git('commit', '--quiet', '--allow-empty', '--message', 'change');
    return this.git('rev-parse', 'HEAD');
  }
}
