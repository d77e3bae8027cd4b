// The certificate of `tls: auto`: our own key, which is made once, and a certificate over it that is made anew when it
// does not hold the names of this machine any more or nears its end. Whoever pins the key notices nothing of that. Node
// reads certificates and makes none, so openssl does (docs/decisions/0032-openssl-makes-the-certificate.md).
import { execFile } from 'node:child_process';
import { createPrivateKey, generateKeyPairSync, X509Certificate } from 'node:crypto';
import { existsSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { isIP } from 'node:net';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { LongshoreError } from '#shared/errors.ts';
import { loadOrCreateSecret } from '#shared/secrets.ts';
import type { Clock } from '#shared/time.ts';
import { isFor, type CertificateFiles } from './certificate.ts';

/** It is pinned by its key, so its end protects nobody; the machine is not meant to outlive it. */
const LIFE_DAYS = 3650;
const RENEWED_DAYS_BEFORE = 365;
const DAY_MS = 86_400_000;
/** It takes milliseconds. */
const OPENSSL_LIMIT_MS = 30_000;
const RUNS_IN = { PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin' };

const run = promisify(execFile);

/** Returns the files, made where they are missing or outdated. Throws `config_invalid` when that needs openssl in vain. */
export async function ensureSelfSigned(
  dataDir: string,
  names: readonly string[],
  clock: Clock,
): Promise<CertificateFiles> {
  const files = { certFile: join(dataDir, 'tls-cert.pem'), keyFile: join(dataDir, 'tls-key.pem') };
  const key = loadOrCreateSecret(files.keyFile, createKeyPem);
  if (!isGood(files.certFile, key, names, clock.now())) await make(dataDir, files, names);
  return files;
}

const createKeyPem = (): Buffer => {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  return Buffer.from(privateKey.export({ type: 'pkcs8', format: 'pem' }));
};

function isGood(file: string, key: Buffer, names: readonly string[], now: number): boolean {
  if (!existsSync(file)) return false;
  try {
    const certificate = new X509Certificate(readFileSync(file));
    const isFresh = certificate.validToDate.getTime() - now > RENEWED_DAYS_BEFORE * DAY_MS;
    return (
      isFresh && certificate.checkPrivateKey(createPrivateKey(key)) && names.every((name) => isFor(certificate, name))
    );
  } catch {
    return false; // a broken one is made anew
  }
}

/** In a folder of its own first, so that a crash leaves the old one or the new one. */
async function make(dataDir: string, { certFile, keyFile }: CertificateFiles, names: readonly string[]): Promise<void> {
  const folder = mkdtempSync(join(dataDir, 'tls-'));
  try {
    const [config, made] = [join(folder, 'openssl.cnf'), join(folder, 'cert.pem')];
    writeFileSync(config, toOpensslConfig(names));
    const args = [
      'req',
      '-x509',
      '-new',
      '-sha256',
      '-days',
      `${LIFE_DAYS}`,
      '-key',
      keyFile,
      '-config',
      config,
      '-out',
      made,
    ];
    await run('openssl', args, { env: RUNS_IN, timeout: OPENSSL_LIMIT_MS });
    renameSync(made, certFile);
  } catch (cause) {
    throw cannotMake(cause);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Not the system's: that one may say anything. Names are host names and addresses, see names.ts. */
export function toOpensslConfig(names: readonly string[]): string {
  const subjects = names.map((name) => `${isIP(name) === 0 ? 'DNS' : 'IP'}:${name}`);
  return [
    '[req]',
    'prompt = no',
    'distinguished_name = name',
    'x509_extensions = extensions',
    '[name]',
    'CN = Longshore control plane',
    '[extensions]',
    'basicConstraints = critical, CA:FALSE',
    'keyUsage = critical, digitalSignature',
    'extendedKeyUsage = serverAuth',
    'subjectKeyIdentifier = hash',
    `subjectAltName = ${subjects.join(', ')}`,
    '',
  ].join('\n');
}

function cannotMake(cause: unknown): LongshoreError {
  const isMissing = (cause as NodeJS.ErrnoException).code === 'ENOENT';
  const message = isMissing
    ? 'Cannot use the setting tls: "auto" needs the program openssl, which is not installed'
    : 'Cannot use the setting tls: openssl could not make a certificate for "auto"';
  const details = 'Install it (`apt-get install openssl`), or name files of your own: CERT,KEY';
  return new LongshoreError('config_invalid', { message, details, cause });
}
