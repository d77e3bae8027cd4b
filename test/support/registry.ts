// A real registry (Debian's docker-registry) as a child process on loopback, where Docker takes plain HTTP, with one
// user. Everything is gone when the test ends: the process, its data, and the images that were given its name.
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import type { Test } from 'tap';
import type { RegistryLogin } from '#shared/model.ts';
import { docker, missingDocker, runProgram } from './docker.ts';
import { eventually } from './eventually.ts';
import { makeFolder } from './folder.ts';
import { freePort } from './free-port.ts';

const FIND_PROGRAM = fileURLToPath(new URL('./registry.sh', import.meta.url));
const FETCH_LIMIT_MS = 300_000;

let found: Promise<{ program: string } | { missing: string }> | undefined;

const findProgram = () =>
  (found ??= runProgram(FIND_PROGRAM, [], { timeoutMs: FETCH_LIMIT_MS }).then(
    (program) => ({ program }),
    (error: Error) => ({ missing: `no registry can be run: ${error.message}` }),
  ));

/** Why this machine can't run tests with a registry, or false. */
export async function missingRegistry(): Promise<string | false> {
  const answer = (await missingDocker()) || (await findProgram());
  return typeof answer === 'string' ? answer : 'missing' in answer && answer.missing;
}

export class Registry implements RegistryLogin {
  readonly username = 'puller';
  readonly server: string;
  readonly #dir: string;
  password: string;
  /** What it was asked, one line each: `HEAD /v2/team/web/manifests/1`. */
  readonly requests: string[] = [];
  readonly #isOpen: boolean;
  #child: ChildProcess | undefined;

  constructor(port: number, dir: string, password: string, isOpen: boolean) {
    this.server = `127.0.0.1:${port}`;
    this.#dir = dir;
    this.password = password;
    this.#isOpen = isOpen;
  }

  /** The login as a service's spec has it. */
  get login(): RegistryLogin {
    const { server, username, password } = this;
    return { server, username, password };
  }

  image = (name: string): string => `${this.server}/${name}`;

  async start(program: string): Promise<void> {
    await this.setPassword(this.password);
    const config = join(this.#dir, 'config.yml');
    writeFileSync(config, JSON.stringify(this.#config())); // JSON is YAML
    const child = spawn(program, ['serve', config], { stdio: ['ignore', 'pipe', 'ignore'], env: {} });
    this.#child = child;
    createInterface(child.stdout).on('line', (line) => {
      const [, asked] = /"([A-Z]+ \S+) HTTP/.exec(line) ?? [];
      if (asked !== undefined) this.requests.push(asked);
    });
    const answer = this.#isOpen ? 200 : 401;
    await eventually(async () => (await fetch(`http://${this.server}/v2/`)).status === answer);
  }

  async stop(): Promise<void> {
    const child = this.#child;
    if (child && child.exitCode === null && child.signalCode === null) {
      child.kill('SIGKILL');
      await once(child, 'exit');
    }
    for (const name of await this.#names()) await docker(['rmi', '-f', name]).catch(() => undefined); // gone with another
  }

  /** The registry looks at the file again when it has changed. */
  async setPassword(password: string): Promise<void> {
    this.password = password;
    writeFileSync(join(this.#dir, 'htpasswd'), `${this.username}:${await bcrypt(password)}\n`);
  }

  /** Puts an image of this machine into the registry under a name (`team/web:1`) and takes the name off the machine. */
  async push(source: string, name: string): Promise<string> {
    const image = this.image(name);
    const settings = join(this.#dir, 'docker');
    mkdirSync(settings, { recursive: true });
    const auth = Buffer.from(`${this.username}:${this.password}`).toString('base64');
    writeFileSync(join(settings, 'config.json'), JSON.stringify({ auths: { [this.server]: { auth } } }));
    await docker(['tag', source, image]);
    await docker(['--config', settings, 'push', '-q', image]);
    await docker(['rmi', image]);
    return image;
  }

  /** Takes a tag away, as a registry's own clean-up does. */
  removeTag(name: string): void {
    const [, repository = '', tag = ''] = /^(.*):([^:]*)$/.exec(name) ?? [];
    rmSync(join(this.#dir, 'data/docker/registry/v2/repositories', repository, '_manifests/tags', tag), {
      recursive: true,
    });
  }

  /** What this machine calls its images: by tag, and by digest where a tag has moved on. */
  async #names(): Promise<Set<string>> {
    const format = '{{.Repository}}:{{.Tag}}\n{{.Repository}}@{{.Digest}}';
    const rows = await docker(['image', 'ls', '--digests', '--format', format, `${this.server}/*/*`]);
    return new Set(rows.split('\n').filter((name) => name !== '' && !name.endsWith('<none>')));
  }

  #config(): object {
    return {
      version: '0.1',
      log: { level: 'error' },
      storage: { filesystem: { rootdirectory: join(this.#dir, 'data') } },
      http: { addr: this.server, secret: 'of one process' },
      ...(!this.#isOpen && { auth: { htpasswd: { realm: 'test', path: join(this.#dir, 'htpasswd') } } }),
    };
  }
}

/** The lowest cost there is: nobody attacks a test. Debian's libcrypt knows bcrypt, and perl is on every Debian. */
async function bcrypt(password: string): Promise<string> {
  const program = 'print crypt($ENV{PASSWORD}, q($2y$04$) . "abcdefghijklmnopqrstuu")';
  return runProgram('perl', ['-e', program], { env: { PASSWORD: password } });
}

/** `isOpen`: it wants no login. */
export async function startRegistry(t: Test, password: string, { isOpen = false } = {}): Promise<Registry> {
  const answer = await findProgram();
  if ('missing' in answer) throw new Error(answer.missing);
  const registry = new Registry(await freePort(), makeFolder(t, 'registry'), password, isOpen);
  t.teardown(() => registry.stop());
  await registry.start(answer.program);
  return registry;
}
