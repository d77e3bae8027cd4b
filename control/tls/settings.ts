// The setting `tls`: who ends TLS, and with which certificate.
import { resolve } from 'node:path';

/** `auto`: a certificate of our own making. `off`: plain HTTP, or a proxy before us ends TLS. */
export type TlsSetting = 'auto' | 'off' | { certFile: string; keyFile: string };

export function readTls(text: string): TlsSetting | undefined {
  if (text === 'auto' || text === 'off') return text;
  const [certFile, keyFile, ...rest] = text.split(',').map((part) => part.trim());
  if (!certFile || !keyFile || rest.length > 0) return undefined;
  return { certFile: resolve(certFile), keyFile: resolve(keyFile) };
}
