// When a host looks after its edge.
import { join } from 'node:path';
import t from 'tap';
import { silentLogger } from '#shared/log.ts';
import type { EdgeState } from '#shared/protocol/edge-parts.ts';
import { Ingress } from '../../agent/ingress/ingress.ts';
import { eventually } from '../support/eventually.ts';
import { makeFolder } from '../support/folder.ts';
import { ManualClock } from '../support/manual-clock.ts';

const STATE: EdgeState = { revision: 1, edge: 'caddy', issuer: { kind: 'internal' }, routes: [], certificates: [] };

t.test('what happens at the end of a round makes another', async (t) => {
  const clock = new ManualClock();
  const dir = makeFolder(t, 'edge');
  const applied: (() => void)[] = [];
  const caddy = {
    project: 'edge',
    askPortFile: join(dir, 'ask-port'),
    pointTo: () => Promise.resolve(),
    forgetOthers: () => Promise.resolve(),
    apply: () => new Promise<void>((resolve) => applied.push(resolve)),
  };
  const told: unknown[] = [];
  const ingress = new Ingress({
    engine: { listProject: () => Promise.resolve([]), findImage: () => Promise.resolve(undefined) },
    projectOf: () => undefined,
    state: {
      edge: { find: () => STATE },
      outbox: { append: (event: unknown) => void told.push(event) },
      transact: (work: () => unknown) => work(),
    } as never,
    caddy: caddy as never,
    ports: { http: 80, https: 443 },
    askControl: () => Promise.resolve(undefined),
    clock,
    log: silentLogger(),
  });
  t.teardown(async () => {
    for (const resolve of applied) resolve();
    await ingress.close();
  });
  ingress.touch();
  clock.advance(100);
  await eventually(() => applied.length === 1);
  ingress.touch();
  clock.advance(50);
  applied[0]?.();
  await eventually(() => told.length === 1);
  await new Promise(setImmediate);
  clock.advance(100);
  t.ok(await eventually(() => applied.length === 2, { timeoutMs: 2_000 }));
});
