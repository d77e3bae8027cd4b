// A server where hosts keep backups: restic's own REST server and a real sshd, in a container (images/vault.sh).
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { createConnection } from 'node:net';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import type { Test } from 'tap';
import type { RepositorySpec } from '#shared/backup.ts';
import { docker, uniqueName } from './docker.ts';
import { eventually } from './eventually.ts';
import { makeFolder } from './folder.ts';

const BUILD = fileURLToPath(new URL('./images/vault.sh', import.meta.url));
const run = promisify(execFile);

export const REST_PASSWORD = 'rest-correct-horse';
export const VAULT_PASSWORD = 'vault-battery-staple';

export interface Vault {
  /** A repository of this name by each protocol; nothing is in it yet. */
  rest(name: string): RepositorySpec;
  sftp(name: string): RepositorySpec;
  container: string;
}

/** Removed when the test ends. */
export async function startVault(t: Test): Promise<Vault> {
  await run(BUILD, []);
  const folder = makeFolder(t, 'vault');
  await makeKeys(folder);
  const container = uniqueName('vault');
  t.teardown(() => docker(['rm', '-f', '-v', container]));
  const ports = ['-p', '127.0.0.1::22', '-p', '127.0.0.1::8000'];
  await docker(['run', '-d', '--name', container, '-v', `${folder}:/vault:ro`, ...ports, 'longshore-test/vault:1']);
  const [ssh, rest] = await Promise.all([portOf(container, 22), portOf(container, 8000)]);
  await Promise.all([answers(ssh, 'SSH-2.0'), answers(rest, '')]);
  const read = (name: string) => readFileSync(join(folder, name), 'utf8');
  const common = { password: VAULT_PASSWORD, env: {} };
  const login = { RESTIC_REST_USERNAME: 'shop', RESTIC_REST_PASSWORD: REST_PASSWORD };
  const knownHosts = `[127.0.0.1]:${ssh} ${read('host_key.pub')}`;
  return {
    container,
    rest: (name) => ({ id: `rep_${name}`, url: `rest:http://127.0.0.1:${rest}/${name}/`, ...common, env: login }),
    sftp: (name) => ({
      id: `rep_${name}`,
      url: `sftp://backup@127.0.0.1:${ssh}/srv/sftp/${name}`,
      ...common,
      privateKey: read('user'),
      knownHosts,
    }),
  };
}

async function makeKeys(folder: string): Promise<void> {
  for (const name of ['host_key', 'user']) {
    await run('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', join(folder, name)]);
  }
  writeFileSync(join(folder, 'authorized_keys'), readFileSync(join(folder, 'user.pub')));
  const digest = createHash('sha1').update(REST_PASSWORD).digest('base64');
  writeFileSync(join(folder, 'htpasswd'), `shop:{SHA}${digest}\n`);
}

async function portOf(container: string, port: number): Promise<number> {
  return Number((await docker(['port', container, `${port}/tcp`])).split('\n')[0]?.split(':').at(-1));
}

/** Docker's own proxy takes connections before the server does: what counts is what is said. */
async function answers(port: number, greeting: string): Promise<void> {
  await eventually(() => hear(port, greeting === ''), { until: (said) => said.startsWith(greeting || 'HTTP/1.') });
}

function hear(port: number, isHttp: boolean): Promise<string> {
  return new Promise<string>((resolve) => {
    const socket = createConnection({ port, host: '127.0.0.1' });
    const end = (said: string) => {
      socket.destroy();
      resolve(said);
    };
    socket.once('data', (bytes) => end(bytes.toString('latin1')));
    socket.once('error', () => end(''));
    socket.once('close', () => end(''));
    if (isHttp) socket.write('GET / HTTP/1.0\r\n\r\n');
  });
}
