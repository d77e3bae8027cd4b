// `longshore services proposal`: what an AI would deploy, before anything happens; approved or rejected.
import { randomUUID } from 'node:crypto';
import type { Argv } from 'yargs';
import type { DeployAnswer } from './api-types.ts';
import { argument, type Session } from './command.ts';
import { inWords, watchJob } from './deploy-outcome.ts';
import type { AiProposal, Proposal } from './deploy-types.ts';
import type { Output } from './output.ts';
import { showPlanned } from './service-plan.ts';
import { requireServiceId } from './services.ts';

interface ProposalArgs {
  service: string;
  approve?: boolean | undefined;
  reject?: boolean | undefined;
  id?: string | undefined;
  follow: boolean;
}

export const proposalOptions = <T>(yargs: Argv<T>) =>
  argument(yargs, 'service', 'Its name or id')
    .option('approve', { type: 'boolean', describe: 'Deploy exactly the one with --id' })
    .option('reject', { type: 'boolean', describe: 'Drop it; the next deploy asks anew' })
    .option('id', { type: 'string', requiresArg: true, describe: 'Only if this is still what waits' })
    .option('follow', { type: 'boolean', default: false, alias: 'F', describe: 'Show the progress until it ends' })
    .conflicts('approve', 'reject')
    .implies('approve', 'id') // what waits now may be another one than was read
    .example('$0 services proposal shop', '')
    .example('$0 services proposal shop --approve --id 9f86d081… --follow', '');

export async function proposal(session: Session, args: ProposalArgs): Promise<void> {
  const { client, output } = session;
  const id = await requireServiceId(client, args.service);
  const path = `/api/services/${id}/proposal`;
  if (args.approve) return approve(session, id, path, args);
  if (args.reject) return reject(session, path, args);
  const found = await client.get<Proposal>(path);
  if (output.isJson) return output.json(found);
  showProposal(output, found);
  output.note(`To deploy it: longshore services proposal ${args.service} --approve --id ${found.proposal_id}`);
}

async function approve(session: Session, serviceId: string, path: string, args: ProposalArgs): Promise<void> {
  const { client, output } = session;
  const body = await shownId(session, path, args);
  const request = { body, idempotencyKey: randomUUID() };
  const approved = (await client.send<DeployAnswer>('POST', `${path}/approve`, request)).body;
  if (!args.follow) {
    if (output.isJson) return output.json(approved);
    return output.line(`${args.service}: job ${approved.deploy_job_id}`);
  }
  const job = await watchJob(session, { id: approved.deploy_job_id, serviceId });
  if (output.isJson) return output.json(job);
  output.line(inWords(job, 'deployed'));
}

async function reject(session: Session, path: string, args: ProposalArgs): Promise<void> {
  const { client, output } = session;
  const body = await shownId(session, path, args);
  await client.send('POST', `${path}/reject`, { body, idempotencyKey: randomUUID() });
  if (output.isJson) return output.json(null);
  output.line(`${args.service}: rejected`);
}

/** The one that the caller has seen; to drop what waits now nobody need have read it. */
async function shownId({ client }: Session, path: string, { id }: ProposalArgs): Promise<{ proposal_id: string }> {
  return { proposal_id: id ?? (await client.get<Proposal>(path)).proposal_id };
}

function showProposal(output: Output, found: Proposal): void {
  const { proposal_id: id, plan, diff, proposal: told } = found;
  output.facts({ id, commit: plan.commit, 'made at': found.made_at, ...(told && factsOf(told)) });
  showPlanned(output, plan);
  output.line('');
  output.line(diff === '' ? 'The compose file stays as it is.' : diff.trimEnd());
}

const factsOf = ({ reasons, port, health_path: healthPath, variables }: AiProposal) => ({
  reasons: reasons.join('. '),
  port,
  'health path': healthPath,
  variables: variables.map(({ name, value, given }) => `${name}${given ? ' (yours)' : `=${value ?? ''}`}`).join(' '),
});
