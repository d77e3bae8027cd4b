// Whatever hosts, users and crashes do to a set: in the end every host runs what it wants, and nothing was done twice.
import t from 'tap';
import { isJobEnd } from '#shared/jobs.ts';
import { ADMIN } from '../support/control-world.ts';
import { NAMES, SetByChance } from '../support/set-by-chance.ts';

const STEPS = 60;
const everyJob = { page: 1, perPage: 1000, visibility: { customerId: null, hostIds: null } } as const;

for (const seed of [1, 2, 3, 4, 5, 6]) {
  t.test(`I2: a set survives what chance does to it (seed ${seed})`, async (t) => {
    const chance = new SetByChance(t, seed);
    await chance.start();
    await chance.play(STEPS);
    await chance.heal();
    await chance.it.world.app.sets.redeploy(ADMIN, chance.it.id, undefined); // also for who was cancelled out
    await chance.heal();
    const { set, world } = chance.it;
    const all = NAMES.length;
    t.match(set, { state: 'steady', members: { total: all, running: all, upToDate: all } });
    const { items } = world.stores.jobs.list(everyJob);
    t.ok(
      items.every(({ state }) => isJobEnd(state)),
      'each job has one end',
    );
    const done = items.filter(({ state, cause }) => state === 'succeeded' && cause?.startsWith('rollout '));
    t.equal(new Set(done.map(({ cause, serviceId }) => `${cause} ${serviceId}`)).size, done.length, 'and one effect');
  });
}
