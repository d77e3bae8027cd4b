// Hosts as they are rented, what befalls them, and the oracle after each: real systemd, real reboots, a real Docker that
// is killed. The hosts are struck at the same time, each by what is listed for it; control is struck last, and all hosts with it.
import t, { type Test } from 'tap';
import { eventually } from '../support/eventually.ts';
import { FLEET_TEST_LIMIT_MS, requireFleet } from '../support/fleet/fleet.ts';
import { BACK_MS, calmIds, calmOf, startFleetWorld, type FleetWorld, type Site } from '../support/fleet/world.ts';
import { CONTROL } from './control-scenarios.ts';
import { HOSTS } from './host-scenarios.ts';
import type { Scenario } from './scenario.ts';

const SITES = 6;

/** I9: by scenario, until all hosts that it struck are as they should be. */
const recoveries: [name: string, ms: number][] = [];

t.setTimeout(FLEET_TEST_LIMIT_MS);

t.test('a fleet survives', { jobs: SITES }, async (t) => {
  if (!(await requireFleet(t))) return;
  const world = await startFleetWorld(t, { count: SITES, spare: 1 });
  const playAll = async (scenarios: readonly Scenario[]) => {
    for (const one of scenarios) await t.test(one.name, { buffered: true }, (t) => play(t, world, one));
  };
  await Promise.all(world.sites.map((_, number) => playAll(HOSTS.filter(({ site }) => site === number))));
  await t.test('hosts that are not struck notice nothing', (t) => askAll(t, world));
  await playAll(CONTROL);
  for (const [name, ms] of recoveries) t.comment(`${(ms / 1000).toFixed(1)} s until all is well after: ${name}`);
});

async function askAll(t: Test, { sites }: FleetWorld): Promise<void> {
  const verdicts = await Promise.all(sites.map(({ oracle }) => oracle.ask()));
  t.strictSame(
    verdicts.flatMap(({ faults }) => faults),
    [],
  );
}

async function play(t: Test, world: FleetWorld, scenario: Scenario): Promise<void> {
  const struck = scenario.site === 'all' ? [...world.sites] : [world.site(scenario.site)];
  const [site] = struck as [Site];
  const before = await Promise.all(struck.map(({ host }) => calmIds(host)));
  const check = await scenario.strike({ t, world, site });
  if (scenario.isLast) return world.leave(site);
  const mendedAt = performance.now();
  const verdicts = await Promise.all(
    struck.map(async (one, i) => {
      await world.untilHostIs(one, 'connected');
      await eventually(() => calmIds(one.host), { until: (ids) => ids === before[i], timeoutMs: BACK_MS });
      if (scenario.restartsContainers) await one.oracle.remember(calmOf(one.host));
      return (await one.oracle.ask()).faults;
    }),
  );
  recoveries.push([scenario.name, performance.now() - mendedAt]);
  t.strictSame(verdicts.flat(), []);
  await check?.();
}
