// `longshore hosts edge`: what answers to the names of services on a host.
import type { Argv } from 'yargs';
import { argument, type Session } from './command.ts';
import { requireIdByName } from './names.ts';

interface Edge {
  edge: string;
  base_domain: string | null;
  addresses: string[];
  issuer: string;
  wanted_revision: number;
  status: { revision: number; error: { message: string } | null } | null;
}

export const edgeOptions = (yargs: Argv) =>
  argument(yargs, 'host', 'Its name or id')
    .option('edge', { choices: ['none', 'caddy', 'default'] as const, describe: 'What answers to names' })
    .option('base-domain', {
      type: 'string',
      requiresArg: true,
      describe: 'Below which its services get names; "default" goes back to the setting',
    })
    .option('address', {
      type: 'string',
      array: true,
      requiresArg: true,
      describe: 'Where the world reaches it; "default" goes back to what the host has',
    });

interface EdgeArgs {
  host: string;
  edge?: 'none' | 'caddy' | 'default' | undefined;
  baseDomain?: string | undefined;
  address?: string[] | undefined;
}

/** Shows it, or changes it first. */
export async function edge({ client, output }: Session, args: EdgeArgs): Promise<void> {
  const path = `/api/hosts/${encodeURIComponent(await requireIdByName(client, 'host', args.host))}/edge`;
  const body = toChange(args);
  const isChange = Object.keys(body).length > 0;
  const edge = isChange ? (await client.send<Edge>('PATCH', path, { body })).body : await client.get<Edge>(path);
  if (output.isJson) return output.json(edge);
  output.line(`edge         ${edge.edge}${edge.edge === 'none' ? '' : ` (certificates: ${edge.issuer})`}`);
  output.line(`base domain  ${edge.base_domain ?? '-'}`);
  output.line(`addresses    ${edge.addresses.join(', ') || '-'}`);
  output.line(`on the host  ${wordsFor(edge)}`);
}

const orNull = (text: string): string | null => (text === 'default' ? null : text);

const toChange = ({ edge, baseDomain, address }: EdgeArgs): object => ({
  ...(edge !== undefined && { edge: orNull(edge) }),
  ...(baseDomain !== undefined && { base_domain: orNull(baseDomain) }),
  ...(address !== undefined && { addresses: address.filter((each) => each !== 'default') }),
});

function wordsFor({ wanted_revision: wanted, status }: Edge): string {
  if (wanted === 0) return 'nothing to do';
  if (status?.error) return status.error.message;
  return status?.revision === wanted ? 'as wanted' : 'not there yet';
}
