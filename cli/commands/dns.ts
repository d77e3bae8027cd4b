// `longshore dns …`: zones whose records Longshore writes. A secret comes on stdin only: arguments are public.
import { text } from 'node:stream/consumers';
import type { Argv } from 'yargs';
import { LongshoreError } from '#shared/errors.ts';
import type { List } from '../api-types.ts';
import type { Client } from '../client.ts';
import { apiCommand, argument, group, withSession, type Session } from '../command.ts';
import { formatAge } from '../duration.ts';
import { pagingOptions, showList, type PagingArgs } from '../list.ts';
import type { Column } from '../table.ts';

interface DnsZone {
  id: string;
  name: string;
  access: { provider: 'rfc2136'; server: string } | { provider: 'cloudflare' };
  ttl: number;
  names: number;
  updated_at: string;
}

interface DnsName {
  hostname: string;
  service_id: string;
  addresses: string[];
  state: string;
  error: { message: string } | null;
  updated_at: string;
}

export const command = group('dns', (own, world) =>
  own
    .command(['list', 'ls'], 'List zones', (yargs) => pagingOptions(apiCommand(yargs)), withSession(world, list))
    .command('add <zone>', 'Let Longshore write a zone', addOptions, withSession(world, add))
    .command('names <zone>', 'The names that Longshore keeps in it', namesOptions, withSession(world, names))
    .command('rm <zone>', 'Forget a zone', removeOptions, withSession(world, remove)),
);

const zoneArgument = (yargs: Argv) => argument(yargs, 'zone', 'Its name or id');

const addOptions = (yargs: Argv) =>
  argument(yargs, 'zone', 'A domain: apps.example.com')
    .option('provider', { choices: ['rfc2136', 'cloudflare'] as const, demandOption: true, describe: 'Who serves it' })
    .option('server', { type: 'string', requiresArg: true, describe: 'rfc2136: the name server, port 53 unless given' })
    .option('key-name', { type: 'string', requiresArg: true, describe: 'rfc2136: the name of the TSIG key' })
    .option('algorithm', {
      choices: ['hmac-sha256', 'hmac-sha384', 'hmac-sha512'] as const,
      describe: 'rfc2136: of the key (hmac-sha256)',
    })
    .option('ttl', { type: 'number', requiresArg: true, describe: 'Seconds that others may keep an answer (300)' })
    .option('secret-stdin', {
      type: 'boolean',
      default: false,
      describe: "Read the key's secret, or the API token, from stdin",
    });

const namesOptions = (yargs: Argv) =>
  pagingOptions(zoneArgument(yargs)).option('state', {
    choices: ['pending', 'present', 'removing'] as const,
    describe: 'Only those in this state',
  });

const removeOptions = (yargs: Argv) =>
  zoneArgument(yargs).option('keep-records', {
    type: 'boolean',
    default: false,
    describe: 'Leave in DNS what Longshore wrote there',
  });

const zoneColumns = (nowMs: number): Column<DnsZone>[] => [
  { title: 'ZONE', cell: (zone) => zone.name },
  { title: 'PROVIDER', cell: ({ access }) => access.provider },
  { title: 'SERVER', cell: ({ access }) => ('server' in access ? access.server : null) },
  { title: 'TTL', cell: (zone) => `${zone.ttl}` },
  { title: 'NAMES', cell: (zone) => `${zone.names}` },
  { title: 'CHANGED', cell: (zone) => formatAge(zone.updated_at, nowMs) },
  { title: 'ID', cell: (zone) => zone.id },
];

const nameColumns = (nowMs: number): Column<DnsName>[] => [
  { title: 'NAME', cell: (name) => name.hostname },
  { title: 'STATE', cell: (name) => name.state },
  { title: 'ADDRESSES', cell: (name) => name.addresses.join(', ') },
  { title: 'CHANGED', cell: (name) => formatAge(name.updated_at, nowMs) },
  { title: 'SERVICE', cell: (name) => name.service_id },
  { title: 'PROBLEM', cell: (name) => name.error?.message ?? null },
];

const list = (session: Session, { page, perPage }: PagingArgs): Promise<void> =>
  showList(session, '/api/dns-zones', { page, perPage }, zoneColumns(session.world.clock.now()));

interface AddArgs {
  zone: string;
  provider: 'rfc2136' | 'cloudflare';
  server?: string | undefined;
  keyName?: string | undefined;
  algorithm?: string | undefined;
  ttl?: number | undefined;
  secretStdin: boolean;
}

async function add({ world, client, output }: Session, args: AddArgs): Promise<void> {
  if (!args.secretStdin) {
    const details = `For example: longshore dns add ${args.zone} --provider ${args.provider} --secret-stdin < token`;
    throw new LongshoreError('bad_request', { message: 'A zone needs a secret: use --secret-stdin', details });
  }
  const secret = (await text(world.stdin)).replace(/\r?\n$/, '');
  const body = { name: args.zone, access: toAccess(args, secret), ...(args.ttl !== undefined && { ttl: args.ttl }) };
  const answer = await client.send<DnsZone>('POST', '/api/dns-zones', { body });
  if (output.isJson) return output.json(answer.body);
  output.line(`${answer.body.name}: added; names of services below it lead to their hosts from now on`);
}

const toAccess = ({ provider, server, keyName, algorithm }: AddArgs, secret: string): object =>
  provider === 'cloudflare'
    ? { provider, api_token: secret }
    : { provider, server, key_name: keyName, key_secret: secret, ...(algorithm !== undefined && { algorithm }) };

async function names(session: Session, args: PagingArgs & { zone: string; state?: string | undefined }): Promise<void> {
  const { page, perPage, state } = args;
  const path = `/api/dns-zones/${await requireId(session.client, args.zone)}/names`;
  return showList(session, path, { page, perPage, state }, nameColumns(session.world.clock.now()));
}

async function remove({ client, output }: Session, args: { zone: string; keepRecords: boolean }): Promise<void> {
  const query = args.keepRecords ? '?keep_records=true' : '';
  await client.send('DELETE', `/api/dns-zones/${await requireId(client, args.zone)}${query}`);
  if (output.isJson) return output.json(null);
  output.line(`${args.zone}: forgotten`);
}

/** Throws `not_found`. */
async function requireId(client: Client, zone: string): Promise<string> {
  if (zone.startsWith('zone_')) return encodeURIComponent(zone);
  const { data } = await client.get<List<DnsZone>>('/api/dns-zones', { per_page: 100 });
  const found = data.find(({ name }) => name === zone.toLowerCase());
  if (found) return found.id;
  const details = '`longshore dns list` shows what there is';
  throw new LongshoreError('not_found', { message: `There is no DNS zone "${zone}"`, details });
}
