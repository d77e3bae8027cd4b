// The control plane that `install.sh control` made of this machine. Root may read its settings and its first key, so that
// commands there need neither URL nor key.
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { parseEnv } from 'node:util';
import { pinInFile } from './trust.ts';

export interface Installed {
  url: string;
  key: string;
  /** Of its TLS key; undefined where it is not of its own making. */
  pin?: string | undefined;
}

const FILES = { settings: '/etc/longshore/control.env', key: '/var/lib/longshore-control/admin.key' };
/** Beside the key. */
const CERTIFICATE = 'tls-cert.pem';

/** Undefined where there is none, and for those who may not read it. */
export function findInstalled(files = FILES): Installed | undefined {
  try {
    const settings = parseEnv(readFileSync(files.settings, 'utf8'));
    const pin = pinInFile(join(dirname(files.key), CERTIFICATE));
    return { url: urlOf(settings), key: readFileSync(files.key, 'utf8'), pin };
  } catch {
    return undefined;
  }
}

/** A proxy's address may not lead back to this machine; without TLS it answers where it listens. */
function urlOf(settings: NodeJS.Dict<string>): string {
  const isPlain = settings['LONGSHORE_TLS'] === 'off';
  const listen = settings['LONGSHORE_LISTEN']?.replace('0.0.0.0', '127.0.0.1');
  return (isPlain ? listen && `http://${listen}` : settings['LONGSHORE_PUBLIC_URL']) ?? '';
}
