// Keys for repositories behind ssh, in the form that OpenSSH writes (PROTOCOL.key of its sources): read as far as it takes
// to say what is wrong with one, and made. Nothing here keeps or sends a key.
//
//   "openssh-key-v1\0"  cipher  kdf  kdf options  count  public part  private part
//   private part: check check  kind  numbers…  comment  padding 1 2 3 …
import { generateKeyPairSync, randomBytes } from 'node:crypto';

const MAGIC = Buffer.from('openssh-key-v1\0');
const [BEGIN, END] = ['-----BEGIN OPENSSH PRIVATE KEY-----', '-----END OPENSSH PRIVATE KEY-----'];
const BASE64 = /^[A-Za-z0-9+/]+=*$/;
/** What OpenSSH writes; others take any. */
const LINE_CHARS = 70;
const BLOCK_BYTES = 8;

/** Kind → how many numbers its private part has. */
const KINDS = new Map([
  ['ssh-ed25519', 2],
  ['ssh-rsa', 6],
  ['ecdsa-sha2-nistp256', 3],
  ['ecdsa-sha2-nistp384', 3],
  ['ecdsa-sha2-nistp521', 3],
]);

export interface DeployKey {
  /** As ssh reads it from a file. */
  privateKey: string;
  /** As a line to enter at the repository's host. */
  publicKey: string;
}

/** The key in its plain form, or in words what is wrong with it. */
export function readDeployKey(text: string): DeployKey | string {
  if (!text.includes(BEGIN)) return NO_OPENSSH_KEY;
  const bytes = bytesOf(text);
  if (!bytes.subarray(0, MAGIC.length).equals(MAGIC)) return BROKEN;
  const reader = new Reader(bytes.subarray(MAGIC.length));
  const [cipher, kdf] = [reader.text(), reader.text()];
  if (!reader.isBroken && (cipher !== 'none' || kdf !== 'none')) return HAS_PASSPHRASE;
  reader.bytes();
  const count = reader.number();
  const [publicPart, privatePart] = [reader.bytes(), reader.bytes()];
  const kind = new Reader(publicPart).text();
  const comment = count === 1 && !reader.isBroken ? commentOf(kind, new Reader(privatePart)) : undefined;
  if (comment !== undefined) return toKey(bytes, { kind, publicPart, comment });
  return reader.isBroken || KINDS.has(kind)
    ? BROKEN
    : `"${kind.slice(0, 64)}" keys are not taken: use Ed25519, ECDSA or RSA`;
}

/** None where more stands there than the key. */
function bytesOf(text: string): Buffer {
  const [before, inner = '', ...after] = text.split(BEGIN).flatMap((part) => part.split(END));
  const base64 = inner.replaceAll(/\s+/g, '');
  const isAlone = before?.trim() === '' && after.length === 1 && after[0]?.trim() === '';
  return Buffer.from(isAlone && BASE64.test(base64) ? base64 : '', 'base64');
}

const NO_OPENSSH_KEY =
  'Not a private key in the form of OpenSSH; of an older one `ssh-keygen -p -N "" -f KEY` makes one of that form';
const HAS_PASSPHRASE = 'Has a passphrase, which nobody could give: make a key without one, for this repository alone';
const BROKEN = 'Not a whole private key: something of it is missing or damaged';

/** Undefined where the private part is not whole. */
function commentOf(kind: string, reader: Reader): string | undefined {
  const [check, again, inner] = [reader.number(), reader.number(), reader.text()];
  for (let left = KINDS.get(kind) ?? 0; left > 0; left--) reader.bytes();
  const comment = reader.text();
  const isWhole = KINDS.has(kind) && check === again && inner === kind && !reader.isBroken;
  return isWhole && reader.rest().every((byte, index) => byte === index + 1) ? comment : undefined;
}

/** For one repository alone. */
export function makeDeployKey(comment: string): DeployKey {
  const { x, d } = generateKeyPairSync('ed25519').privateKey.export({ format: 'jwk' });
  const [point, seed] = [Buffer.from(x ?? '', 'base64url'), Buffer.from(d ?? '', 'base64url')];
  const kind = 'ssh-ed25519';
  const publicPart = Buffer.concat([string(kind), string(point)]);
  const check = randomBytes(4);
  const inner = [check, check, publicPart, string(Buffer.concat([seed, point])), string(comment)];
  const empty = string('');
  const head = [MAGIC, string('none'), string('none'), empty, Buffer.from([0, 0, 0, 1]), string(publicPart)];
  return toKey(Buffer.concat([...head, string(padded(Buffer.concat(inner)))]), { kind, publicPart, comment });
}

function toKey(
  bytes: Buffer,
  { kind, publicPart, comment }: { kind: string; publicPart: Buffer; comment: string },
): DeployKey {
  const lines = bytes.toString('base64').match(new RegExp(`.{1,${LINE_CHARS}}`, 'g')) ?? [];
  return {
    privateKey: `${[BEGIN, ...lines, END].join('\n')}\n`, // ssh takes none without the last line's end
    publicKey: `${kind} ${publicPart.toString('base64')} ${comment.replaceAll(/[^\x21-\x7e]+/g, '-')}`.trim(),
  };
}

function string(value: string | Buffer): Buffer {
  const bytes = Buffer.from(value);
  const length = Buffer.alloc(4);
  length.writeUInt32BE(bytes.length);
  return Buffer.concat([length, bytes]);
}

function padded(bytes: Buffer): Buffer {
  const missing = (BLOCK_BYTES - (bytes.length % BLOCK_BYTES)) % BLOCK_BYTES;
  return Buffer.concat([bytes, Buffer.from(Array.from({ length: missing }, (_, index) => index + 1))]);
}

/** Reads on past the end, where everything is empty, and says so at last. */
class Reader {
  readonly #bytes: Buffer;
  #at = 0;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  get isBroken(): boolean {
    return this.#at > this.#bytes.length;
  }

  number(): number {
    const from = this.#at;
    this.#at += 4;
    return this.isBroken ? 0 : this.#bytes.readUInt32BE(from);
  }

  bytes(): Buffer {
    const length = this.number();
    const from = this.#at;
    this.#at += length;
    return this.isBroken ? Buffer.alloc(0) : this.#bytes.subarray(from, this.#at);
  }

  text(): string {
    return this.bytes().toString('utf8');
  }

  rest(): Buffer {
    return this.#bytes.subarray(this.#at);
  }
}
