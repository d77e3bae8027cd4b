// `longshore services plan` and `longshore deploy --plan`: what would happen, with nothing happening.
import type { Argv } from 'yargs';
import type { Session } from './command.ts';
import type { DeployPlan, PlannedDeploy } from './deploy-types.ts';
import { inMegabytes } from './megabytes.ts';
import type { Output } from './output.ts';
import { changeOf, changeOptions, type ChangeArgs } from './service-update.ts';
import { requireServiceId } from './services.ts';
import type { Column } from './table.ts';

export const planOptions = <T>(yargs: Argv<T>) =>
  changeOptions(yargs)
    .option('pull', { choices: ['missing', 'always', 'never'] as const, describe: 'When a redeploy would pull images' })
    .example('$0 services plan shop --env TAG=1.4.3', 'What that change would do')
    .example('$0 services plan shop', 'What a redeploy would do');

type PlanArgs = ChangeArgs & { pull?: string | undefined };

export async function plan(session: Session, args: PlanArgs): Promise<void> {
  const { client, output } = session;
  const body = { ...changeOf(args), ...(args.pull !== undefined && { pull: args.pull }) };
  const id = await requireServiceId(client, args.service);
  const found = (await client.send<DeployPlan>('POST', `/api/services/${id}/plan`, { body })).body;
  showPlan(output, found);
}

const ACTION_STYLE = { create: 'green', recreate: 'yellow', start: 'green', remove: 'red', keep: 'gray' } as const;

const ORDER_WORDS = { start_first: 'start-first', stop_first: 'stop-first' } as const;

const COLUMNS: Column<PlannedDeploy['services'][number]>[] = [
  { title: 'ACTION', cell: ({ action }) => action, style: (_, { action }) => ACTION_STYLE[action] },
  { title: 'SERVICE', cell: ({ service }) => service },
  { title: 'REASON', cell: ({ reason }) => reason },
];

export function showPlan(output: Output, found: DeployPlan): void {
  if (output.isJson) return output.json(found);
  showPlanned(output, found);
  for (const reason of found.proposal?.reasons ?? []) output.line(`the AI: ${reason}`);
  if (!found.deploys) output.line('this change needs no deploy');
  if (found.plan_id !== null) output.line(`plan ${found.plan_id}, for 10 minutes`);
}

/** What would happen, for people. */
export function showPlanned(output: Output, found: PlannedDeploy): void {
  output.table(COLUMNS, found.services);
  for (const line of linesOf(found)) output.line(line);
}

/** What the table has no room for; what is as it was is left out. */
function linesOf({ services, images, volumes, downtime, findings, preflight }: PlannedDeploy): string[] {
  const changed = services.flatMap(({ service, fields }) => fields.map((field) => ({ service, ...field })));
  return [
    ...changed.map(
      ({ service, field, before, after }) => `${service}: ${field}: ${before ?? 'none'} -> ${after ?? 'none'}`,
    ),
    ...images.filter(({ source }) => source !== 'present').map(imageLine),
    ...volumes.filter(({ action }) => action !== 'keep').map(({ action, name }) => `${action} volume ${name}`),
    ...services.flatMap(({ service, replacement }) =>
      replacement ? [`${service}: ${ORDER_WORDS[replacement.order]}: ${replacement.reason}`] : [],
    ),
    ...(downtime.services.length > 0 ? [`down for a moment: ${downtime.services.join(', ')}`] : []),
    ...findings.map(({ path, rule, message }) => `refused: ${path}: ${message} (rule: ${rule})`),
    ...preflight.filter(({ state }) => state !== 'ok').map(({ state, message }) => `${state}: ${message}`),
  ];
}

/** An older control plane tells no sizes. */
const imageLine = ({ source, reference, download_bytes: bytes = null }: PlannedDeploy['images'][number]): string =>
  [source, reference, ...(bytes === null ? [] : [`(${inMegabytes(bytes)} compressed)`])].join(' ');
