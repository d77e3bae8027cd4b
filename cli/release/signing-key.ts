// The key that signs releases. Whoever holds it decides what hosts run.
import { createPrivateKey, createPublicKey, generateKeyPairSync } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { LongshoreError } from '#shared/errors.ts';
import { loadOrCreateSecret } from '#shared/secrets.ts';

export interface SigningKey {
  privatePem: Buffer;
  publicPem: string;
  /** SPKI DER in base64. */
  publicKey: string;
}

/** A file that is given must be there; the default one is made once, and `say` is told. Throws `config_invalid`. */
export function loadSigningKey(given: string | undefined, fallback: string, say: (line: string) => void): SigningKey {
  if (given !== undefined) return readKey(given);
  if (!existsSync(fallback)) {
    mkdirSync(dirname(fallback), { recursive: true });
    loadOrCreateSecret(fallback, createKey);
    say(`made a signing key, ${fallback}: hosts that trust it take no release of another; keep a copy`);
  }
  return readKey(fallback);
}

const createKey = (): Buffer =>
  Buffer.from(generateKeyPairSync('ed25519').privateKey.export({ type: 'pkcs8', format: 'pem' }));

function readKey(file: string): SigningKey {
  try {
    const privatePem = readFileSync(file);
    const privateKey = createPrivateKey(privatePem);
    if (privateKey.asymmetricKeyType !== 'ed25519') throw invalid(file, 'is not an Ed25519 key');
    const key = createPublicKey(privateKey);
    const publicPem = key.export({ type: 'spki', format: 'pem' }).toString();
    return { privatePem, publicPem, publicKey: key.export({ type: 'spki', format: 'der' }).toString('base64') };
  } catch (error) {
    throw error instanceof LongshoreError ? error : invalid(file, 'cannot be read as a key', error);
  }
}

const invalid = (file: string, problem: string, cause?: unknown): LongshoreError =>
  new LongshoreError('config_invalid', { message: `Cannot sign the release: "${file}" ${problem}`, cause });
