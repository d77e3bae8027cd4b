// A real name server (BIND) on loopback that takes signed updates of one zone.
import { spawn, type ChildProcess } from 'node:child_process';
import { Resolver } from 'node:dns/promises';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Test } from 'tap';
import type { TsigAlgorithm } from '../../control/app/dns/provider.ts';
import { runProgram } from './docker.ts';
import { eventually } from './eventually.ts';
import { makeFolder } from './folder.ts';
import { freePort } from './free-port.ts';

const FIND_FOLDER = fileURLToPath(new URL('./bind.sh', import.meta.url));
const FETCH_LIMIT_MS = 300_000;

export const ZONE = 'apps.example.com';
export const KEY = {
  keyName: 'longshore',
  algorithm: 'hmac-sha256' as TsigAlgorithm,
  secret: Buffer.alloc(32, 'bind').toString('base64'),
};

export class Bind {
  readonly server: { host: string; port: number };
  readonly #dir: string;
  readonly #resolver = new Resolver({ timeout: 2_000, tries: 2 });
  #child: ChildProcess | undefined;

  constructor(port: number, dir: string) {
    this.server = { host: '127.0.0.1', port };
    this.#dir = dir;
    this.#resolver.setServers([`127.0.0.1:${port}`]);
  }

  /** Again after `stop`: it knows what it knew. */
  async start(): Promise<void> {
    const folder = await runProgram(FIND_FOLDER, [], { timeoutMs: FETCH_LIMIT_MS });
    const libraries = ['usr/lib/x86_64-linux-gnu', 'usr/lib/aarch64-linux-gnu', 'lib/x86_64-linux-gnu'];
    const env = { LD_LIBRARY_PATH: libraries.map((path) => join(folder, path)).join(':') };
    const child = spawn(join(folder, 'usr/sbin/named'), ['-g', '-c', join(this.#dir, 'named.conf')], {
      stdio: ['ignore', 'ignore', 'ignore'],
      env,
    });
    this.#child = child;
    await eventually(async () => (await this.#resolver.resolveSoa(ZONE)).nsname === `ns.${ZONE}`);
  }

  async stop(): Promise<void> {
    const child = this.#child;
    if (!child || child.exitCode !== null || child.signalCode !== null) return;
    child.kill('SIGTERM');
    await once(child, 'exit');
  }

  /** Sorted; none for a name that is not there. */
  async addresses(hostname: string): Promise<string[]> {
    const lookups = [this.#resolver.resolve4(hostname), this.#resolver.resolve6(hostname)];
    const found = await Promise.all(lookups.map((lookup) => lookup.catch(orNothing)));
    return found.flat().toSorted();
  }

  async texts(hostname: string): Promise<string[]> {
    return (await this.#resolver.resolveTxt(hostname).catch(orNothing)).flat();
  }
}

function orNothing(error: NodeJS.ErrnoException): never[] {
  if (error.code === 'ENOTFOUND' || error.code === 'ENODATA') return [];
  throw error;
}

/** `records`: more lines of the zone's file, which Longshore did not make. */
export async function startBind(t: Test, records = ''): Promise<Bind> {
  const dir = makeFolder(t, 'bind');
  const bind = new Bind(await freePort(), dir);
  t.teardown(() => bind.stop());
  writeFileSync(join(dir, 'named.conf'), configOf(dir, bind.server.port));
  writeFileSync(
    join(dir, 'zone'),
    `$TTL 300\n@ SOA ns hostmaster (1 3600 600 86400 1)\n@ NS ns\nns A 127.0.0.1\n${records}\n`,
  );
  await bind.start();
  return bind;
}

const grants = [KEY.keyName, 'long'].map((key) => `grant ${key} zonesub A AAAA TXT;`).join(' ');

const configOf = (dir: string, port: number): string => `
options {
  directory "${dir}"; pid-file none; session-keyfile "${dir}/session.key"; managed-keys-directory "${dir}";
  listen-on port ${port} { 127.0.0.1; }; listen-on-v6 { none; };
  recursion no; dnssec-validation no; empty-zones-enable no;
};
controls { };
key "${KEY.keyName}" { algorithm ${KEY.algorithm}; secret "${KEY.secret}"; };
key "long" { algorithm hmac-sha512; secret "${KEY.secret}"; };
key "stranger" { algorithm ${KEY.algorithm}; secret "${KEY.secret}"; };
zone "${ZONE}" { type primary; file "${dir}/zone"; update-policy { ${grants} }; };
`;
