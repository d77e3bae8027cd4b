// `longshore services revisions` and `longshore services rollback`: what a service was, and back to it.
import { randomUUID } from 'node:crypto';
import type { Argv } from 'yargs';
import type { DeployAnswer } from './api-types.ts';
import { argument, type Session } from './command.ts';
import { watchJob } from './deploy-outcome.ts';
import type { Revision, RevisionDetail, RevisionDiff } from './deploy-types.ts';
import { formatAge } from './duration.ts';
import { requireServiceId } from './services.ts';
import type { Column } from './table.ts';

interface RevisionArgs {
  service: string;
  revision?: number | undefined;
}

const withRevision = <T>(yargs: Argv<T>, describe: string) =>
  argument(yargs, 'service', 'Its name or id').positional('revision', { type: 'number', describe });

export const revisionsOptions = <T>(yargs: Argv<T>) =>
  withRevision(yargs, 'Show this one')
    .option('diff', { type: 'boolean', default: false, describe: 'Compare it with the one before' })
    .option('against', { type: 'number', requiresArg: true, describe: 'Compare it with this one' });

export const rollbackOptions = <T>(yargs: Argv<T>) =>
  withRevision(yargs, 'Where to go back to; else the good one before what is wanted now').option('follow', {
    type: 'boolean',
    default: false,
    alias: 'F',
    describe: 'Show the progress until it ends',
  });

const columnsAt = (nowMs: number): Column<Revision>[] => [
  { title: 'REV', cell: ({ revision }) => revision },
  { title: 'CURRENT', cell: ({ current }) => (current ? 'yes' : '') },
  { title: 'AGE', cell: (revision) => formatAge(revision.recorded_at, nowMs) },
  { title: 'KIND', cell: kindOf },
  { title: 'BY', cell: (revision) => revision.made_by ?? revision.cause },
  { title: 'COMMIT', cell: ({ commit }) => commit?.slice(0, 12) ?? null },
  { title: 'IMAGES', cell: ({ images }) => [...new Set(images.map(({ reference }) => reference))].join(' ') },
];

const kindOf = ({ kind, rollback_of: back }: Revision): string | null => (back === null ? kind : `${kind} to ${back}`);

interface ShowArgs extends RevisionArgs {
  diff: boolean;
  against?: number | undefined;
}

export async function revisions(session: Session, { service, revision, diff, against }: ShowArgs): Promise<void> {
  const { client, output, world } = session;
  const path = `/api/services/${await requireServiceId(client, service)}/revisions`;
  if (revision === undefined) {
    const found = await client.get<{ data: Revision[] }>(path);
    return output.isJson ? output.json(found) : output.table(columnsAt(world.clock.now()), found.data);
  }
  if (diff || against !== undefined) return compare(session, `${path}/${revision}/diff`, against);
  const found = await client.get<RevisionDetail>(`${path}/${revision}`);
  return output.isJson ? output.json(found) : output.line(found.compose.trimEnd());
}

async function compare({ client, output }: Session, path: string, against: number | undefined): Promise<void> {
  const found = await client.get<RevisionDiff>(path, { against });
  if (output.isJson) return output.json(found);
  const rows = found.services.flatMap(({ service, change, fields }) =>
    fields.length > 0
      ? fields.map((field) => ({ service, ...field }))
      : [{ service, field: change, before: null, after: null }],
  );
  output.table(DIFF_COLUMNS, rows);
}

const DIFF_COLUMNS: Column<{ service: string; field: string; before: string | null; after: string | null }>[] = [
  { title: 'SERVICE', cell: ({ service }) => service },
  { title: 'FIELD', cell: ({ field }) => field },
  { title: 'BEFORE', cell: ({ before }) => before },
  { title: 'AFTER', cell: ({ after }) => after },
];

export async function rollback(
  session: Session,
  { service, revision, follow }: RevisionArgs & { follow: boolean },
): Promise<void> {
  const { client, output } = session;
  const id = await requireServiceId(client, service);
  const { body } = await client.send<DeployAnswer>('POST', `/api/services/${id}/rollback`, {
    body: revision === undefined ? {} : { revision },
    idempotencyKey: randomUUID(),
  });
  if (!follow) return output.isJson ? output.json(body) : output.line(`${service}: job ${body.deploy_job_id}`);
  const job = await watchJob(session, { id: body.deploy_job_id, serviceId: id });
  if (output.isJson) return output.json(job);
  output.line(`${service}: ${job.unchanged ? 'nothing had to change' : 'rolled back'}`);
}
