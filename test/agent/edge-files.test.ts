// What Caddy can read of the agent's files: it runs as another user, of the agent's group.
import { statSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { LongshoreError } from '#shared/errors.ts';
import { Caddy } from '../../agent/ingress/caddy.ts';
import { faultCode } from '../support/fault-code.ts';
import { makeFolder } from '../support/folder.ts';
import { ManualClock } from '../support/manual-clock.ts';

t.test('Caddy reads what is written for it, whatever umask the agent has', async (t) => {
  const before = process.umask(0o077); // as its unit sets it
  t.teardown(() => process.umask(before));
  const dir = join(makeFolder(t, 'edge'), 'edge');
  const caddy = new Caddy({
    engine: {
      listProject: () => Promise.resolve([]),
      removeContainer: () => Promise.resolve(),
      findImage: () => Promise.resolve({ id: 'sha256:caddy', ports: [] } as never),
      pullImage: () => Promise.resolve(),
    },
    compose: { up: () => Promise.reject(new LongshoreError('apply_failed', { message: 'far enough' })) },
    project: 'edge',
    image: 'caddy:2',
    dir,
    groupId: process.getgid?.() ?? 0,
    clock: new ManualClock(),
  });
  await caddy.pointTo(['a.example.com'], new Map([['a.example.com', ['172.18.0.2:80']]]));
  t.equal(await faultCode(caddy.apply({ admin: {}, storage: {} }, new AbortController().signal)), 'apply_failed');
  const modeOf = (path: string) => (statSync(join(dir, path)).mode & 0o777).toString(8);
  t.same(['', 'run', 'state', 'targets'].map(modeOf), ['770', '770', '770', '770']);
  t.same(['start.json', 'compose.yaml', 'targets/a.example.com.0'].map(modeOf), ['640', '640', '640']);
  t.equal(modeOf('.env'), '600');
});
