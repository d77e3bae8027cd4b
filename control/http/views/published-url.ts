// Pure: where what a container publishes is reached.
import type { ContainerView } from '#shared/model.ts';

type Port = ContainerView['ports'][number];

const ANY_ADDRESS = ['', '0.0.0.0', '::'];

/** The lowest published TCP port. */
export const publishedPort = (ports: readonly Port[]): Port | undefined =>
  ports.filter(({ protocol, host }) => protocol === 'tcp' && host > 0).toSorted((a, b) => a.host - b.host)[0];

/** Names are served over TLS. */
export const urlOfName = (hostname: string | null): string | null => (hostname === null ? null : `https://${hostname}`);

/** Null when there is none, or the host's address is not known. */
export function urlOfPorts(ports: readonly Port[], hostAddress: () => string | undefined): string | null {
  const first = publishedPort(ports);
  if (!first) return null;
  const address = ANY_ADDRESS.includes(first.address) ? hostAddress() : first.address;
  if (address === undefined) return null;
  return `http://${address.includes(':') ? `[${address}]` : address}:${first.host}`;
}
