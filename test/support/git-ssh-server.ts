// A Git repository behind ssh and a key. The server answers one command, git-upload-pack, with git's own.
import { execFileSync, spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { join } from 'node:path';
import ssh2, { type Connection, type ServerChannel } from 'ssh2';
import type { Test } from 'tap';
import { makeFolder } from './folder.ts';
import type { GitRepository } from './git-repository.ts';

export interface KeyPair {
  privateKey: string;
  /** As a line of authorized_keys. */
  publicKey: string;
}

export interface SshServer {
  url: string;
  port: number;
  /** Commands it was asked to run. */
  commands: string[];
  /** From now on it shows this one. */
  setHostKey: (key: KeyPair) => void;
}

/** As OpenSSH itself makes it. */
export function makeKey(t: Test, kind = 'ed25519', passphrase = ''): KeyPair {
  const folder = makeFolder(t, 'key');
  const file = join(folder, 'key');
  execFileSync('ssh-keygen', ['-q', '-t', kind, '-N', passphrase, '-C', 'test', '-f', file]);
  return { privateKey: readFileSync(file, 'utf8'), publicKey: readFileSync(`${file}.pub`, 'utf8').trim() };
}

export interface SshServerOptions {
  hostKey: KeyPair;
  /** Who is let in. */
  authorized: readonly KeyPair[];
}

/** Closed when the test ends. */
export async function serveGitBySsh(t: Test, repository: GitRepository, options: SshServerOptions): Promise<SshServer> {
  const commands: string[] = [];
  let { hostKey } = options;
  const open = new Set<Connection>();
  const serve = (connection: Connection) => {
    open.add(connection);
    connection.on('close', () => open.delete(connection));
    connection.on('error', () => undefined);
    connection.on('authentication', (attempt) => {
      const isKnown =
        attempt.method === 'publickey' && options.authorized.some((key) => hasBlob(key, attempt.key.data));
      if (isKnown) attempt.accept();
      else attempt.reject(['publickey']);
    });
    connection.on('session', (accept) => {
      const session = accept();
      const environment: Record<string, string> = {};
      session.on('env', (acceptEnv, _reject, { key, val }) => {
        environment[key] = val;
        acceptEnv?.();
      });
      session.on('exec', (acceptExec, _reject, { command }) => {
        commands.push(command);
        uploadPack(repository, environment, acceptExec());
      });
    });
  };
  // ssh2 takes its host key when it is made: each connection gets a server of its own, with the key of now.
  const front = createServer((socket) => {
    new ssh2.Server({ hostKeys: [hostKey.privateKey] }, serve).injectSocket(socket);
  });
  await new Promise<void>((resolve) => front.listen(0, '127.0.0.1', resolve));
  t.teardown(() => {
    for (const connection of open) connection.end();
    front.close();
  });
  const { port } = front.address() as AddressInfo;
  return {
    url: `ssh://git@127.0.0.1:${port}/team/app.git`,
    port,
    commands,
    setHostKey: (key) => {
      hostKey = key;
    },
  };
}

const hasBlob = ({ publicKey }: KeyPair, blob: Buffer): boolean => publicKey.split(' ')[1] === blob.toString('base64');

function uploadPack({ directory }: GitRepository, environment: Record<string, string>, channel: ServerChannel): void {
  const { PATH = '' } = process.env;
  const { GIT_PROTOCOL = '' } = environment;
  const git = spawn('git', ['upload-pack', '--strict', '--', join(directory, '.git')], { env: { PATH, GIT_PROTOCOL } });
  channel.pipe(git.stdin);
  git.stdin.on('error', () => undefined); // the other side has hung up
  git.stdout.pipe(channel, { end: false });
  git.stderr.pipe(channel.stderr, { end: false });
  git.once('close', (code) => {
    channel.exit(code ?? 1);
    channel.end();
  });
}
