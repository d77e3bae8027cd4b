// `longshore webhooks …`: who hears of changes, and whether it arrived. A secret is shown once, when it is made.
import { randomUUID } from 'node:crypto';
import type { Argv } from 'yargs';
import { LongshoreError } from '#shared/errors.ts';
import { sleep } from '#shared/time.ts';
import type { Delivery, DeliveryDetail, Webhook } from '../api-types.ts';
import { apiCommand, argument, group, withSession, type Session } from '../command.ts';
import { formatAge } from '../duration.ts';
import { pagingOptions, showList, type PagingArgs } from '../list.ts';
import type { Column } from '../table.ts';

export const command = group('webhooks', (own, world) =>
  own
    .command(['list', 'ls'], 'List webhooks', (y) => pagingOptions(apiCommand(y)), withSession(world, list))
    .command('create <receiver>', 'Make a webhook and show its secret once', createOptions, withSession(world, create))
    .command(['delete <webhook>', 'rm'], 'Delete it and its deliveries', one, withSession(world, remove))
    .command('pause <webhook>', 'Hold its deliveries back', one, withSession(world, pause))
    .command('resume <webhook>', 'Send what was held back', one, withSession(world, resume))
    .command('test <webhook>', 'Send a test event and say whether it arrived', one, withSession(world, test))
    .command('rotate-secret <webhook>', 'Give it a new secret', one, withSession(world, rotateSecret))
    .command(
      'deliveries <webhook> [delivery]',
      'What was sent, or one of it',
      deliveryOptions,
      withSession(world, show),
    )
    .command('redeliver <webhook> <delivery>', 'Send it again', redeliverOptions, withSession(world, redeliver)),
);

const one = (yargs: Argv) => argument(yargs, 'webhook', 'Its id');

const createOptions = (yargs: Argv) =>
  argument(yargs, 'receiver', 'URL to send to')
    .option('event', {
      type: 'string',
      array: true,
      nargs: 1,
      alias: 'e',
      default: ['*'],
      describe: 'What to tell: deploy.failed, deploy.*, *',
    })
    .option('description', { type: 'string', requiresArg: true, describe: 'What it is for' });

const deliveryOptions = (yargs: Argv) =>
  pagingOptions(one(yargs))
    .positional('delivery', { type: 'string', describe: 'Its id' })
    .option('state', { type: 'string', requiresArg: true, describe: 'pending, delivered, failed or dropped' });

const redeliverOptions = (yargs: Argv) =>
  one(yargs).positional('delivery', { type: 'string', demandOption: true, describe: 'Its id' });

const STATUS_STYLE: Record<string, 'green' | 'red' | 'yellow'> = {
  active: 'green',
  delivered: 'green',
  paused: 'yellow',
  pending: 'yellow',
  disabled: 'red',
  failed: 'red',
  dropped: 'red',
};

const COLUMNS: Column<Webhook>[] = [
  { title: 'ID', cell: (webhook) => webhook.id },
  { title: 'STATUS', cell: (webhook) => webhook.status, style: (_, { status }) => STATUS_STYLE[status] },
  { title: 'BREAKER', cell: (webhook) => webhook.breaker.state },
  { title: 'PENDING', cell: (webhook) => webhook.pending },
  { title: 'URL', cell: (webhook) => webhook.url },
  { title: 'EVENTS', cell: (webhook) => webhook.events.join(' ') },
  { title: 'DESCRIPTION', cell: (webhook) => webhook.description },
];

const deliveryColumnsAt = (nowMs: number): Column<Delivery>[] => [
  { title: 'ID', cell: (delivery) => delivery.id },
  { title: 'TYPE', cell: (delivery) => delivery.type },
  { title: 'STATE', cell: (delivery) => delivery.state, style: (_, { state }) => STATUS_STYLE[state] },
  { title: 'TRIES', cell: (delivery) => delivery.tries },
  { title: 'AGE', cell: (delivery) => formatAge(delivery.created_at, nowMs) },
  { title: 'ERROR', cell: (delivery) => delivery.error },
];

interface Named {
  webhook: string;
}
type NamedDelivery = Named & { delivery: string };

const pathOf = ({ webhook }: Named): string => `/api/webhooks/${encodeURIComponent(webhook)}`;
const deliveryPathOf = (args: NamedDelivery): string =>
  `${pathOf(args)}/deliveries/${encodeURIComponent(args.delivery)}`;

const list = (session: Session, { page, perPage }: PagingArgs): Promise<void> =>
  showList(session, '/api/webhooks', { page, perPage }, COLUMNS);

async function create(
  { client, output }: Session,
  { receiver, event, description }: { receiver: string; event: string[]; description?: string | undefined },
): Promise<void> {
  const body = { url: receiver, events: event, ...(description !== undefined && { description }) };
  const request = { body, idempotencyKey: randomUUID() };
  const answer = await client.send<Webhook & { secret: string }>('POST', '/api/webhooks', request);
  if (output.isJson) return output.json(answer.body);
  output.note(`${answer.body.id}, its secret shown this once:`);
  output.line(answer.body.secret);
}

async function remove({ client, output }: Session, args: Named): Promise<void> {
  await client.send('DELETE', pathOf(args));
  if (output.isJson) return output.json(null);
  output.line(`${args.webhook}: deleted`);
}

const pause = (session: Session, args: Named): Promise<void> => setPaused(session, args, true);
const resume = (session: Session, args: Named): Promise<void> => setPaused(session, args, false);

async function setPaused({ client, output }: Session, args: Named, paused: boolean): Promise<void> {
  const { body } = await client.send<Webhook>('PATCH', pathOf(args), { body: { paused } });
  if (output.isJson) return output.json(body);
  output.line(`${args.webhook}: ${body.status}`);
}

async function rotateSecret({ client, output }: Session, args: Named): Promise<void> {
  const request = { idempotencyKey: randomUUID() };
  const path = `${pathOf(args)}/rotate-secret`;
  const { body } = await client.send<{ secret: string; old_secret_expires_at: string }>('POST', path, request);
  if (output.isJson) return output.json(body);
  output.note(`The old secret is good until ${body.old_secret_expires_at}; the new one, shown this once:`);
  output.line(body.secret);
}

/** The control plane gives up a call after 10 s; what is not tried by then waits for another delivery. */
const OUTCOME_LIMIT_MS = 15_000;
const LOOK_EVERY_MS = 250;

async function test(session: Session, args: Named): Promise<void> {
  const { client, output } = session;
  const { body } = await client.send<Delivery>('POST', `${pathOf(args)}/test`, { idempotencyKey: randomUUID() });
  const delivery = await untilTried(session, { ...args, delivery: body.id });
  if (output.isJson) output.json(delivery);
  if (delivery.state !== 'delivered') {
    const message = `${args.webhook}: the test did not arrive`;
    throw new LongshoreError('egress_failed', { message, details: delivery.error ?? 'It was not sent yet' });
  }
  if (!output.isJson) output.line(`${args.webhook}: answered ${delivery.response?.status}`);
}

async function untilTried({ client, world }: Session, args: NamedDelivery): Promise<DeliveryDetail> {
  const end = world.clock.now() + OUTCOME_LIMIT_MS;
  for (;;) {
    const delivery = await client.get<DeliveryDetail>(deliveryPathOf(args));
    if (delivery.tries > 0 || delivery.state !== 'pending' || world.clock.now() >= end) return delivery;
    await sleep(world.clock, LOOK_EVERY_MS, client.signal);
  }
}

type ShowArgs = PagingArgs & Named & { delivery?: string | undefined; state?: string | undefined };

function show(session: Session, { page, perPage, state, webhook, delivery }: ShowArgs): Promise<void> {
  if (delivery !== undefined) return showDelivery(session, { webhook, delivery });
  const columns = deliveryColumnsAt(session.world.clock.now());
  return showList(session, `${pathOf({ webhook })}/deliveries`, { page, perPage, state }, columns);
}

async function showDelivery({ client, output }: Session, args: NamedDelivery): Promise<void> {
  const found = await client.get<DeliveryDetail>(deliveryPathOf(args));
  if (output.isJson) return output.json(found);
  output.facts({
    id: found.id,
    type: found.type,
    message: found.message_id,
    state: found.state,
    error: found.error,
    'next try at': found.next_try_at,
    request: found.request.body,
    response: found.response && `${found.response.status} ${found.response.body}`.trim(),
  });
  for (const { at, duration_ms: ms, status, error } of found.attempts)
    output.line(`${at}\t${ms}ms\t${error ?? status}`);
}

async function redeliver({ client, output }: Session, args: NamedDelivery): Promise<void> {
  const path = `${deliveryPathOf(args)}/redeliver`;
  const { body } = await client.send<Delivery>('POST', path, { idempotencyKey: randomUUID() });
  if (output.isJson) return output.json(body);
  output.line(`${args.delivery}: ${body.state}`);
}
