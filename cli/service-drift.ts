// `longshore services drift`: what runs beside what its revision says; put it back, or take it as it is.
import { randomUUID } from 'node:crypto';
import type { Argv } from 'yargs';
import type { DeployAnswer } from './api-types.ts';
import { argument, type Session } from './command.ts';
import { watchJob } from './deploy-outcome.ts';
import type { Drift } from './deploy-types.ts';
import { requireServiceId } from './services.ts';
import type { Column } from './table.ts';

interface DriftArgs {
  service: string;
  revert: boolean;
  accept: boolean;
  follow: boolean;
}

export const driftOptions = <T>(yargs: Argv<T>) =>
  argument(yargs, 'service', 'Its name or id')
    .option('revert', { type: 'boolean', default: false, describe: 'Recreate what drifted as it was' })
    .option('accept', { type: 'boolean', default: false, describe: 'Take what runs as what is wanted' })
    .option('follow', { type: 'boolean', default: false, alias: 'F', describe: 'Show the progress until it ends' })
    .check(({ revert, accept }) => {
      if (revert && accept) return 'Either --revert or --accept';
      return true;
    });

export async function drift(session: Session, { service, revert, accept, follow }: DriftArgs): Promise<void> {
  const { client, output } = session;
  const id = await requireServiceId(client, service);
  const path = `/api/services/${id}/drift`;
  if (!revert && !accept) return show(session, await client.get<Drift>(path));
  const { body } = await client.send<DeployAnswer>('POST', `${path}/${revert ? 'revert' : 'accept'}`, {
    idempotencyKey: randomUUID(),
  });
  if (!follow) return output.isJson ? output.json(body) : output.line(`${service}: job ${body.deploy_job_id}`);
  const job = await watchJob(session, { id: body.deploy_job_id, serviceId: id });
  if (output.isJson) return output.json(job);
  const done = revert ? 'reverted' : 'accepted';
  output.line(`${service}: ${job.unchanged ? 'nothing had to change' : done}`);
}

interface Row {
  what: string;
  change: string;
  field: string | null;
  expected: string | null;
  actual: string | null;
}

const COLUMNS: Column<Row>[] = [
  { title: 'WHAT', cell: ({ what }) => what },
  { title: 'CHANGE', cell: ({ change }) => change },
  { title: 'FIELD', cell: ({ field }) => field },
  { title: 'EXPECTED', cell: ({ expected }) => expected },
  { title: 'ACTUAL', cell: ({ actual }) => actual },
];

function show({ output }: Session, found: Drift): void {
  if (output.isJson) return output.json(found);
  if (found.state === 'in_sync') return output.line(`in sync with revision ${found.revision ?? '?'}`);
  if (found.state === 'unknown')
    return output.line('not known: a job is at work, or it was deployed before this was recorded');
  output.table(COLUMNS, [...found.services.flatMap(rowsOf), ...found.files.map(rowOfFile)]);
}

function rowsOf({ container, change, fields }: Drift['services'][number]): Row[] {
  const row = { what: container, change, field: null, expected: null, actual: null };
  if (fields.length === 0) return [row];
  return fields.map(({ path, expected, actual }) => ({ ...row, field: path, expected, actual }));
}

const rowOfFile = ({ path, change }: Drift['files'][number]): Row => ({
  what: path,
  change,
  field: null,
  expected: null,
  actual: null,
});
