// What keeps a host from coming in, as far as it can be told from here: what control heard of it, and what to look at on
// the machine. Pure.
import type { JoinTokenState, MadeJoinToken } from './host-join-types.ts';

const LOOPBACK = /^(localhost|127\.|\[::1\])/;
const LOG = 'journalctl -u longshore-agent -n 50';

/** Said with the line already: it would not work elsewhere, or not safely. */
export function warningsOf({ url }: Pick<MadeJoinToken, 'url'>): string[] {
  const { hostname, protocol } = new URL(url);
  if (LOOPBACK.test(hostname))
    return [`Only this machine gets to ${url}: start the control plane with --public-url for others`];
  if (protocol === 'http:') return ['Without TLS anybody on the way can change what this line runs: see --tls'];
  return [];
}

/** The likely causes, the likeliest first. */
export function diagnose(
  made: Pick<MadeJoinToken, 'url' | 'tls_pin'>,
  token: Pick<JoinTokenState, 'hosts' | 'refusal'>,
): string[] {
  const away = token.hosts.filter(({ status }) => status !== 'connected');
  if (away.length > 0) return away.map(({ name, status }) => `"${name}" joined and is ${status}. There: ${LOG}`);
  const { refusal } = token;
  if (refusal !== null) return [`A machine at ${refusal.address} was refused: ${refusal.reason}`];
  const pin = made.tls_pin === null ? '' : `-k --pinnedpubkey ${made.tls_pin} `;
  return [
    'No machine has called with this token. On the machine, in this order:',
    `  curl -sS ${pin}${made.url}/healthz      the name, the way and the certificate; {"status":"ok"} is good`,
    '  date -u                             its clock, which certificates and tokens are measured by',
    '  docker version                      the engine, for the user that ran the line',
    `  ${LOG}   what the agent says`,
    ...warningsOf(made),
  ];
}
