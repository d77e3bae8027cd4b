// What tests of webhooks do again and again: subscribe as the operator, make something happen, look at the deliveries.
import type { Test } from 'tap';
import type { NewWebhook } from '../../control/app/api/webhooks.ts';
import type { DeliveryRecord } from '../../control/store/webhook-records.ts';
import { ADMIN, type ControlWorld } from './control-world.ts';
import { eventually } from './eventually.ts';
import { openWorld, startCourier } from './webhook-receiver.ts';

export const ALL_DELIVERIES = { page: 1, perPage: 100, order: 'asc' as const };

/** A world that may call this machine, with somebody who carries its webhooks out. */
export function startWebhooks(t: Test): ControlWorld {
  const world = openWorld(t);
  startCourier(t, world);
  return world;
}

export const subscribe = (world: ControlWorld, url: string, input: Partial<NewWebhook> = {}) =>
  world.app.webhooks.create(ADMIN, { url, events: ['*'], ...input });

export const deliveriesOf = (world: ControlWorld, id: string): DeliveryRecord[] =>
  world.app.webhooks.deliveries(ADMIN, id, ALL_DELIVERIES).items;

export const untilState = (world: ControlWorld, id: string, fits: (all: DeliveryRecord[]) => boolean) =>
  eventually(() => deliveriesOf(world, id), { until: fits, intervalMs: 5 });

/** A timeline event of no service, as a host makes it. */
export const happen = (world: ControlWorld, message = 'something') =>
  world.stores.writer.write(() =>
    world.stores.events.insert({ hostId: 'host_x', type: 'host', status: 'gap', message, at: world.clock.now() }),
  );
