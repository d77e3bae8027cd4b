// `longshore adopt`: makes a service of what runs on a host already, as it runs.
import { randomUUID } from 'node:crypto';
import type { Argv } from 'yargs';
import type { DeployAnswer } from '../api-types.ts';
import { apiCommand, withSession, type Command, type Session } from '../command.ts';
import { watchJob } from '../deploy-outcome.ts';
import { requireIdByName } from '../names.ts';
import { parsePairs } from '../pairs.ts';

interface AdoptArgs {
  host: string;
  project: string;
  container: boolean;
  name?: string | undefined;
  displayName?: string | undefined;
  customer?: string | undefined;
  label: string[];
  follow: boolean;
}

const options = (yargs: Argv) =>
  apiCommand(yargs)
    .positional('host', { type: 'string', demandOption: true, describe: 'Name or id of the host' })
    .positional('project', {
      type: 'string',
      demandOption: true,
      describe: 'Name of the Compose project, or of the container (`longshore hosts projects HOST`)',
    })
    .option('container', {
      type: 'boolean',
      default: false,
      describe: 'It is the name of a container that belongs to no Compose project',
    })
    .option('name', { type: 'string', requiresArg: true, describe: 'Name of the service; else the same' })
    .option('display-name', { type: 'string', requiresArg: true, describe: 'The same for people' })
    .option('customer', { type: 'string', requiresArg: true, describe: 'Whose service it is, by name or id' })
    .option('label', { type: 'string', array: true, nargs: 1, default: [], describe: 'Label of the service, K=V' })
    .option('follow', { type: 'boolean', default: false, alias: 'F', describe: 'Show the progress until it ends' })
    .example('$0 adopt eu-1 shop --follow', '')
    .example('$0 adopt eu-1 my_redis --container --name redis', '');

export const command: Command = {
  add: (program, describe, world) =>
    program.command('adopt <host> <project>', describe, options, withSession(world, adopt)),
};

async function adopt(session: Session, args: AdoptArgs): Promise<void> {
  const { client, output } = session;
  const { host, project, name = project } = args;
  const customer = args.customer === undefined ? {} : { customer_id: await requireCustomer(session, args.customer) };
  const hostId = await requireIdByName(client, 'host', host);
  const { body: made } = await client.send<DeployAnswer>('POST', `/api/hosts/${hostId}/adopt`, {
    body: { ...toBody(args), ...customer },
    idempotencyKey: randomUUID(),
  });
  if (!args.follow) {
    if (output.isJson) return output.json(made);
    return output.line(`${name}: ${made.id}, job ${made.deploy_job_id}`);
  }
  const job = await watchJob(session, { id: made.deploy_job_id, serviceId: made.id });
  if (output.isJson) return output.json(job);
  output.line(`${name}: adopted as it runs`);
}

const requireCustomer = ({ client }: Session, customer: string): Promise<string> =>
  requireIdByName(client, 'customer', customer);

const toBody = ({ project, container, name, displayName, label }: AdoptArgs): object => ({
  ...(container ? { container: project } : { project }),
  ...(name !== undefined && { name }),
  ...(displayName !== undefined && { display_name: displayName }),
  ...(label.length > 0 && { labels: parsePairs(label, '--label') }),
});
