// An authority of the test's own, and certificates that it vouches for, by openssl.
import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { isIP } from 'node:net';

const openssl = (...args: string[]) => execFileSync('openssl', args, { stdio: ['ignore', 'pipe', 'pipe'] });

export interface Issued {
  certFile: string;
  keyFile: string;
}

export class Authority {
  readonly #dir: string;
  #issued = 0;

  /** Works in this folder, made when missing. */
  constructor(dir: string) {
    this.#dir = dir;
    mkdirSync(dir, { recursive: true });
    const [key, cert] = [join(dir, 'ca-key.pem'), join(dir, 'ca.pem')];
    makeKey(key);
    openssl('req', '-x509', '-new', '-key', key, '-subj', '/CN=Test authority', '-days', '2', '-out', cert);
  }

  get certFile(): string {
    return join(this.#dir, 'ca.pem');
  }

  get pem(): string {
    return readFileSync(this.certFile, 'utf8');
  }

  /** `keyFile`: a key that is there already. */
  issue(names: string[], keyFile = this.#makeKey()): Issued {
    const certFile = join(this.#dir, `${++this.#issued}.pem`);
    const [request, extensions] = [`${certFile}.csr`, `${certFile}.ext`];
    writeFileSync(extensions, `subjectAltName=${names.map((name) => `${isIP(name) ? 'IP' : 'DNS'}:${name}`).join()}\n`);
    openssl('req', '-new', '-key', keyFile, '-subj', '/CN=test', '-out', request);
    const by = ['-CA', this.certFile, '-CAkey', join(this.#dir, 'ca-key.pem'), '-set_serial', `${this.#issued}`];
    openssl('x509', '-req', '-in', request, ...by, '-days', '2', '-extfile', extensions, '-out', certFile);
    return { certFile, keyFile };
  }

  #makeKey(): string {
    const file = join(this.#dir, `${++this.#issued}-key.pem`);
    makeKey(file);
    return file;
  }
}

const makeKey = (file: string) => openssl('ecparam', '-name', 'prime256v1', '-genkey', '-noout', '-out', file);
