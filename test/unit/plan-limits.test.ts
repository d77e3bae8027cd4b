// What a plan has room for: every case as a table of numbers, every refusal with its words.
import t from 'tap';
import { LongshoreError } from '#shared/errors.ts';
import {
  allotLimits,
  requireServiceRoom,
  requireStorageRoom,
  type AskedLimits,
  type Plan,
} from '../../control/app/customers/plan-limits.ts';
import type { PlanLimits } from '../../control/store/customer-records.ts';

const NONE: PlanLimits = { services: null, cpu: null, memoryMb: null, storageMb: null };
const plan = (limits: Partial<PlanLimits>): Plan => ({ name: 'Small', limits: { ...NONE, ...limits } });
const others = (cpu = 0, memoryMb = 0, services = 1) => ({ services, cpu, memoryMb });

/** Message and way out, or the outcome. */
function told<T>(work: () => T): T | [string, string | undefined] {
  try {
    return work();
  } catch (error) {
    if (!(error instanceof LongshoreError) || error.code !== 'plan_limit') throw error;
    return [error.message, error.details];
  }
}

t.test('without a customer or a plan a service gets what is asked for, and no limit otherwise', async (t) => {
  t.strictSame(allotLimits(null, others(), {}), { cpu: null, memoryMb: null });
  t.strictSame(allotLimits(null, others(99, 99), { cpu: 8 }), { cpu: 8, memoryMb: null });
  t.strictSame(allotLimits(plan({}), others(), { memoryMb: 64 }), { cpu: null, memoryMb: 64 });
  t.strictSame(allotLimits(null, others(), { cpu: null }, { cpu: 2, memoryMb: 8 }), { cpu: null, memoryMb: 8 });
});

t.test('nothing asked: an equal share of the plan, by the number of services it allows', async (t) => {
  const small = plan({ services: 4, cpu: 2, memoryMb: 1000 });
  t.strictSame(allotLimits(small, others(), {}), { cpu: 0.5, memoryMb: 250 });
  t.strictSame(allotLimits(small, others(1.5, 750, 3), {}), { cpu: 0.5, memoryMb: 250 }, 'the last one as well');
  t.strictSame(
    allotLimits(plan({ services: 3, cpu: 1, memoryMb: 1000 }), others(0.666, 666, 2), {}),
    { cpu: 0.333, memoryMb: 333 },
    'rounded down, so that all shares fit',
  );
});

t.test('nothing asked and any number of services allowed: all that is left', async (t) => {
  t.strictSame(allotLimits(plan({ cpu: 2, memoryMb: 512 }), others(0.5, 512 - 6), {}), { cpu: 1.5, memoryMb: 6 });
  t.strictSame(
    told(() => allotLimits(plan({ cpu: 2 }), others(2), {})),
    [
      'Plan "Small" limits cpu to 2: other services hold 2, this one would take 0.01',
      'Give other services less in limits.cpu, delete one, or move the customer to a larger plan.',
    ],
  );
});

t.test('a share is never less than Docker takes', async (t) => {
  t.strictSame(allotLimits(plan({ services: 1000, cpu: 1, memoryMb: 512 }), others(), {}), { cpu: 0.01, memoryMb: 6 });
});

t.test('what is asked for fits beside what the others hold, to the last thousandth, or is refused', async (t) => {
  const third = plan({ cpu: 0.3 });
  t.strictSame(allotLimits(third, others(0.1), { cpu: 0.2 }).cpu, 0.2, '0.1 + 0.2 is 0.3');
  t.strictSame(
    told(() => allotLimits(third, others(0.1), { cpu: 0.201 })),
    [
      'Plan "Small" limits cpu to 0.3: other services hold 0.1, this one would take 0.201',
      'Ask for at most 0.2 in limits.cpu, give other services less in limits.cpu, delete one, or move the customer to a larger plan.',
    ],
  );
  t.strictSame(
    told(() => allotLimits(plan({ memoryMb: 512 }), others(0, 256), { memoryMb: 257 })),
    [
      'Plan "Small" limits memory_mb to 512: other services hold 256, this one would take 257',
      'Ask for at most 256 in limits.memory_mb, give other services less in limits.memory_mb, delete one, or move the customer to a larger plan.',
    ],
  );
  t.equal(allotLimits(plan({ memoryMb: 512 }), others(0, 256), { memoryMb: 256 }).memoryMb, 256);
});

t.test('deployed again a service keeps what it holds, also when the plan has become smaller', async (t) => {
  const held = { cpu: 2, memoryMb: 512 };
  t.strictSame(allotLimits(plan({ cpu: 1, memoryMb: 64 }), others(1, 64), {}, held), held);
  t.strictSame(
    allotLimits(plan({ services: 2, cpu: 1, memoryMb: 64 }), others(), {}, { cpu: null, memoryMb: null }),
    { cpu: 0.5, memoryMb: 32 },
    'one that had no limit gets its share of the new plan',
  );
  t.strictSame(
    allotLimits(plan({ services: 2, cpu: 1 }), others(0), { cpu: null }, held),
    { cpu: 0.5, memoryMb: 512 },
    'null asks for the share',
  );
});

t.test('over its plan, a customer may come down step by step but not up', async (t) => {
  const over = (asked: AskedLimits) =>
    told(() => allotLimits(plan({ cpu: 1 }), others(1), asked, { cpu: 2, memoryMb: null }));
  t.match(over({ cpu: 1.5 }), { cpu: 1.5 });
  t.match(over({ cpu: 2 }), { cpu: 2 });
  t.match(over({ cpu: 2.001 }), [/limits cpu to 1: other services hold 1, this one would take 2.001/]);
});

t.test('services are counted', async (t) => {
  const two = plan({ services: 2 });
  t.doesNotThrow(() => requireServiceRoom(two, { services: 1 }));
  t.doesNotThrow(() => requireServiceRoom(plan({}), { services: 1e6 }));
  for (const services of [2, 3]) {
    t.strictSame(
      told(() => requireServiceRoom(two, { services })),
      [
        `Plan "Small" limits services to 2: the customer has ${services}`,
        'Delete a service, or move the customer to a larger plan.',
      ],
    );
  }
});

t.test('full volumes allow no deploy; what was never measured refuses nobody', async (t) => {
  const full = plan({ storageMb: 100 });
  for (const used of [null, 0, 99.9]) t.doesNotThrow(() => requireStorageRoom(full, used));
  t.doesNotThrow(() => requireStorageRoom(plan({}), 1e9));
  for (const used of [100, 100.2]) {
    t.strictSame(
      told(() => requireStorageRoom(full, used)),
      [
        `Plan "Small" limits storage_mb to 100: the customer's volumes use ${Math.ceil(used)}`,
        'Free space in the volumes, delete a service, or move the customer to a larger plan.',
      ],
    );
  }
});
