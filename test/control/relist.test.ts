// Services seen anew after a host or control came back with an older memory.
import t from 'tap';
import { LongshoreError } from '#shared/errors.ts';
import { silentLogger } from '#shared/log.ts';
import { relistServices } from '../../control/agents/relist.ts';
import { ControlWorld } from '../support/control-world.ts';

t.test('what could not be seen is asked for at the next link; what the host does not know is told once', async (t) => {
  const world = new ControlWorld(t);
  const host = await world.joinAndConnect();
  const [seen, unknown] = [await world.deployed(host, 'seen'), await world.deployed(host, 'unknown')];
  const { stores, clock } = world;
  const session = world.sessions.require(host.id);
  const isToRelist = () => stores.hosts.find(host.id)?.isToRelist;
  const told = () => stores.events.list({ hostId: host.id, type: 'host', page: 1, perPage: 100 }).items;
  const relist = (isOpen: boolean, answer: (serviceId: string) => unknown) => {
    const request = async (_: string, { serviceId }: { serviceId: string }) => answer(serviceId);
    const peer = { isOpen, request } as unknown as typeof session.peer;
    return relistServices({ stores, ends: world.parts.ends, clock, log: silentLogger() }, { ...session, peer });
  };
  const fail = (code: 'docker_unavailable' | 'not_found') => {
    throw new LongshoreError(code);
  };
  const report = {
    serviceId: seen,
    lifecycle: 'failed',
    health: 'unknown',
    reason: 'gone',
    revision: 1,
    containers: [],
  };
  const answer = (id: string) => (id === unknown ? fail('not_found') : { report: { ...report, at: clock.now() } });

  stores.hosts.setToRelist(host.id, true);
  await relist(false, answer);
  t.equal(isToRelist(), true, 'the link broke');
  await relist(true, () => fail('docker_unavailable'));
  t.equal(isToRelist(), true, 'Docker was away');
  t.notOk(told().some(({ status }) => status === 'services_unknown'));
  await relist(true, answer);
  t.equal(isToRelist(), false);
  t.equal(stores.services.find(seen)?.lifecycle, 'failed');
  t.match(
    told().filter(({ status }) => status === 'services_unknown'),
    [{ message: /: unknown$/ }],
  );
});
