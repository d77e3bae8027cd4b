// `longshore domains …`: names of a service. A certificate's key is read from a file: arguments are public.
import { readFile } from 'node:fs/promises';
import type { Argv } from 'yargs';
import { LongshoreError } from '#shared/errors.ts';
import type { List } from '../api-types.ts';
import type { Client } from '../client.ts';
import { apiCommand, argument, group, withSession, type Session } from '../command.ts';
import { pagingOptions, showList, type PagingArgs } from '../list.ts';
import { requireServiceId } from '../services.ts';
import type { Column } from '../table.ts';

interface Domain {
  id: string;
  hostname: string;
  kind: string;
  service: string | null;
  port: number | null;
  redirect_to: string | null;
  dns: { state: string; addresses: string[] } | null;
  expected_addresses: string[];
  certificate: { source: string; state: string; expires_at: string | null; error: string | null };
  error: { message: string } | null;
}

export const command = group('domains', (own, world) =>
  own
    .command(['list <service>', 'ls <service>'], 'List the names of a service', listOptions, withSession(world, list))
    .command('add <service> <hostname>', 'Give it a name', addOptions, withSession(world, add))
    .command('verify <service> <hostname>', 'Look where DNS leads a name', one, withSession(world, verify))
    .command('certificate <service> <hostname>', 'Use one of your own', pairOptions, withSession(world, certificate))
    .command('rm <service> <hostname>', 'Take a name away', one, withSession(world, remove)),
);

const ofService = (yargs: Argv) => argument(apiCommand(yargs), 'service', 'Its name or id');
const one = (yargs: Argv) => argument(ofService(yargs), 'hostname', 'The name: shop.example.com');
const listOptions = (yargs: Argv) => pagingOptions(ofService(yargs));

const addOptions = (yargs: Argv) =>
  one(yargs)
    .option('service-of-file', {
      type: 'string',
      requiresArg: true,
      describe: 'Service of the compose file that answers',
    })
    .option('port', { type: 'number', requiresArg: true, describe: 'Its port inside the container' })
    .option('redirect-to', {
      type: 'string',
      requiresArg: true,
      describe: 'Answer with a permanent redirect to this name',
    });

const pairOptions = (yargs: Argv) =>
  one(yargs)
    .option('cert', { type: 'string', requiresArg: true, describe: 'File in PEM: the certificate, then its chain' })
    .option('key', { type: 'string', requiresArg: true, describe: 'File in PEM: its key' })
    .option('remove', { type: 'boolean', default: false, describe: 'Go back to one that is asked for' });

const COLUMNS: Column<Domain>[] = [
  { title: 'NAME', cell: (domain) => domain.hostname },
  {
    title: 'LEADS TO',
    cell: ({ redirect_to, service, port }) => redirect_to ?? ([service, port].filter(Boolean).join(':') || null),
  },
  { title: 'DNS', cell: (domain) => domain.dns?.state ?? null },
  {
    title: 'CERTIFICATE',
    cell: ({ certificate: { source, state } }) => (state === 'none' ? null : `${state} (${source})`),
  },
  { title: 'PROBLEM', cell: (domain) => domain.error?.message ?? domain.certificate.error },
];

interface ServiceArgs {
  service: string;
}

interface NameArgs extends ServiceArgs {
  hostname: string;
}

async function list(session: Session, { service, page, perPage }: ServiceArgs & PagingArgs): Promise<void> {
  const path = `/api/services/${await requireServiceId(session.client, service)}/domains`;
  return showList(session, path, { page, perPage }, COLUMNS);
}

interface AddArgs extends NameArgs {
  serviceOfFile?: string | undefined;
  port?: number | undefined;
  redirectTo?: string | undefined;
}

async function add(session: Session, { service, hostname, serviceOfFile, port, redirectTo }: AddArgs): Promise<void> {
  const path = `/api/services/${await requireServiceId(session.client, service)}/domains`;
  const body = {
    hostname,
    ...(serviceOfFile !== undefined && { service: serviceOfFile }),
    ...(port !== undefined && { port }),
    ...(redirectTo !== undefined && { redirect_to: redirectTo }),
  };
  show(session, (await session.client.send<Domain>('POST', path, { body })).body);
}

async function verify(session: Session, args: NameArgs): Promise<void> {
  const path = `${await requirePath(session.client, args)}/verify`;
  show(session, (await session.client.send<Domain>('POST', path)).body);
}

interface PairArgs extends NameArgs {
  cert?: string | undefined;
  key?: string | undefined;
  remove: boolean;
}

async function certificate(session: Session, { cert, key, ...args }: PairArgs): Promise<void> {
  const path = `${await requirePath(session.client, args)}/certificate`;
  if (args.remove) return show(session, (await session.client.send<Domain>('DELETE', path)).body);
  if (cert === undefined || key === undefined) {
    throw new LongshoreError('bad_request', { message: 'A certificate needs two files: --cert FILE --key FILE' });
  }
  const body = { certificate: await readFile(cert, 'utf8'), key: await readFile(key, 'utf8') };
  show(session, (await session.client.send<Domain>('PUT', path, { body })).body);
}

async function remove({ client, output }: Session, args: NameArgs): Promise<void> {
  await client.send('DELETE', await requirePath(client, args));
  if (output.isJson) return output.json(null);
  output.line(`${args.hostname}: taken away`);
}

/** What to do next, in a line. */
function show({ output }: Session, domain: Domain): void {
  if (output.isJson) return output.json(domain);
  const { hostname, dns, expected_addresses: expected } = domain;
  const where = expected.join(', ') || 'an address of its host, which has to be set';
  if (dns?.state === 'here') return output.line(`${hostname}: DNS leads it to its host`);
  const found = dns?.state === 'elsewhere' ? `leads to ${dns.addresses.join(', ')}` : 'is not in DNS';
  output.line(`${hostname}: ${found}; let it lead to ${where}, then: longshore domains verify`);
}

/** Throws `not_found`. */
async function requirePath(client: Client, { service, hostname }: NameArgs): Promise<string> {
  const path = `/api/services/${await requireServiceId(client, service)}/domains`;
  const { data } = await client.get<List<Domain>>(path, { per_page: 100 });
  const found = data.find((domain) => domain.hostname === hostname.toLowerCase());
  if (found) return `${path}/${found.id}`;
  const details = `\`longshore domains list ${service}\` shows what there is`;
  throw new LongshoreError('not_found', { message: `The service has no name "${hostname}"`, details });
}
