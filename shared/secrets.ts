// Secrets at rest: AES-256-GCM under a key file that lies beside the database (0600) and goes into backups with it.
// Both sides use it for what a database dump must not tell: variables, passwords, webhook secrets.
import { createCipheriv, createDecipheriv, hash, randomBytes, timingSafeEqual } from 'node:crypto';
import { closeSync, fsyncSync, linkSync, openSync, readFileSync, rmSync, writeSync } from 'node:fs';
import { LongshoreError } from './errors.ts';

const KEY_BYTES = 32;
const NONCE_BYTES = 12; // NIST SP 800-38D's recommended length
const TAG_BYTES = 16;

export class SecretBox {
  readonly #key: Buffer;

  constructor(key: Buffer) {
    this.#key = key;
  }

  /** `context` (a row id, say) is authenticated: a sealed value moved to another row does not open. */
  seal(plain: string, context: string): Buffer {
    const nonce = randomBytes(NONCE_BYTES);
    const cipher = createCipheriv('aes-256-gcm', this.#key, nonce).setAAD(Buffer.from(context));
    const body = Buffer.concat([cipher.update(plain, 'utf8'), cipher.final()]);
    return Buffer.concat([nonce, cipher.getAuthTag(), body]);
  }

  /** Throws `internal` when the key, the context or the bytes are not those it was sealed with. */
  open(sealed: Buffer, context: string): string {
    const nonce = sealed.subarray(0, NONCE_BYTES);
    const tag = sealed.subarray(NONCE_BYTES, NONCE_BYTES + TAG_BYTES);
    try {
      const decipher = createDecipheriv('aes-256-gcm', this.#key, nonce).setAAD(Buffer.from(context)).setAuthTag(tag);
      return decipher.update(sealed.subarray(NONCE_BYTES + TAG_BYTES)).toString('utf8') + decipher.final('utf8');
    } catch (error) {
      throw new LongshoreError('internal', {
        message: `Cannot open a stored secret of ${context}: wrong key file?`,
        cause: error,
      });
    }
  }
}

/** Reads the key file, or makes it: complete and synced before it gets its name, so a crash leaves none or a whole one. */
export function loadSecretBox(file: string): SecretBox {
  return new SecretBox(loadOrCreateSecret(file, () => randomBytes(KEY_BYTES)));
}

/** A 0600 file that is made once and then never changes. */
export function loadOrCreateSecret(file: string, create: () => Buffer): Buffer {
  try {
    return readFileSync(file);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
  }
  const secret = create();
  const partial = `${file}.${randomBytes(6).toString('hex')}.new`;
  const fd = openSync(partial, 'wx', 0o600);
  writeSync(fd, secret);
  fsyncSync(fd);
  closeSync(fd);
  try {
    linkSync(partial, file); // fails where another process was first: its key counts
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  } finally {
    rmSync(partial, { force: true });
  }
  return readFileSync(file);
}

/** SHA-256 in hex: how keys and tokens are stored. They hold 256 random bits, so no slow hash is needed. */
export const sha256 = (data: string | Uint8Array): string => hash('sha256', data, 'hex');

/** Compares without telling by its duration where two texts differ. */
export function sameSecret(a: string, b: string): boolean {
  const [x, y] = [Buffer.from(sha256(a)), Buffer.from(sha256(b))];
  return timingSafeEqual(x, y);
}
