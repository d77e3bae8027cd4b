// Where the control plane is and with which key: flags, then the environment, then what `install.sh control` made of this
// machine or `longshore up` leaves beside us.
import { readFileSync } from 'node:fs';
import type { Argv } from 'yargs';
import { LongshoreError } from '#shared/errors.ts';
import { Client, type Credentials } from './client.ts';
import { findInstalled, type Installed } from './installed.ts';
import { pinInFile, readPin } from './trust.ts';
import type { World } from './world.ts';

export const DEFAULT_URL = 'http://127.0.0.1:8080';
const LOCAL_KEY_FILE = 'data/admin.key';
const LOCAL_CERTIFICATE = 'data/tls-cert.pem';
const LOOPBACK = new Set(['127.0.0.1', 'localhost', '[::1]']);

export interface ConnectionFlags {
  url?: string | undefined;
  apiKeyFile?: string | undefined;
  pin?: string | undefined;
  verbose?: boolean | undefined;
}

/** Options of every command that calls the API. */
export const connectionOptions = <T>(yargs: Argv<T>) =>
  yargs
    .option('url', { type: 'string', describe: `Control plane (LONGSHORE_URL, ${DEFAULT_URL})`, group: 'Connection:' })
    .option('api-key-file', {
      type: 'string',
      describe: 'File with the API key (LONGSHORE_API_KEY)',
      group: 'Connection:',
      normalize: true,
    })
    .option('pin', {
      type: 'string',
      describe: 'Key of a self-signed control plane, sha256//… (LONGSHORE_PIN)',
      group: 'Connection:',
    })
    .option('json', { type: 'boolean', default: false, describe: "Print the API's JSON", group: 'Output:' })
    .option('verbose', { type: 'boolean', default: false, describe: 'Say more on stderr', group: 'Output:' });

export const connect = (world: World, flags: ConnectionFlags): Client =>
  new Client(findCredentials(world, flags), world.interruption());

/** Throws `config_invalid` for what cannot be, `unauthorized` when there is no key anywhere. */
export function findCredentials(world: World, flags: ConnectionFlags, installed = findInstalled()): Credentials {
  const url = parseUrl(flags.url ?? world.env['LONGSHORE_URL'] ?? installed?.url ?? DEFAULT_URL);
  return { url, pin: findPin(world, flags, url, installed), key: checkKey(findKey(world, flags, url, installed)) };
}

function parseUrl(text: string): URL {
  const url = URL.parse(text);
  if (url && ['http:', 'https:'].includes(url.protocol) && !url.username) return url;
  const details = 'Use an http or https URL such as http://127.0.0.1:8080 in LONGSHORE_URL or --url';
  throw new LongshoreError('config_invalid', { message: `"${text}" is not the URL of a control plane`, details });
}

function findPin(world: World, flags: ConnectionFlags, url: URL, installed: Installed | undefined): string | undefined {
  if (url.protocol !== 'https:') return undefined;
  const own = flags.pin ?? world.env['LONGSHORE_PIN'];
  if (own) return readPin(own);
  if (installed && URL.parse(installed.url)?.origin === url.origin) return installed.pin;
  return LOOPBACK.has(url.hostname) ? pinInFile(LOCAL_CERTIFICATE) : undefined;
}

function findKey(world: World, flags: ConnectionFlags, url: URL, installed: Installed | undefined): string {
  if (flags.apiKeyFile !== undefined) return readKeyFile(flags.apiKeyFile);
  const own = world.env['LONGSHORE_API_KEY'];
  if (own) return own;
  // The key of this machine's control plane is for this machine's control plane only.
  if (installed && URL.parse(installed.url)?.origin === url.origin) return installed.key;
  const local = LOOPBACK.has(url.hostname) ? tryRead(LOCAL_KEY_FILE) : undefined;
  if (local === undefined) {
    const details = `Set LONGSHORE_API_KEY, give --api-key-file FILE, or go where \`longshore up\` left ./${LOCAL_KEY_FILE}`;
    throw new LongshoreError('unauthorized', { message: 'No API key', details });
  }
  if (flags.verbose) world.stderr.write(`using the key in ./${LOCAL_KEY_FILE}\n`);
  return local;
}

function readKeyFile(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    const details = (error as Error).message;
    throw new LongshoreError('config_invalid', { message: `Cannot read the API key from "${file}"`, details });
  }
}

function tryRead(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return undefined;
  }
}

/** What goes into a header must be fit for one; the key itself is never repeated. */
function checkKey(text: string): string {
  const key = text.trim();
  if (/^[\x21-\x7e]{1,512}$/.test(key)) return key;
  throw new LongshoreError('config_invalid', { message: 'The API key is empty or holds characters no key has' });
}
