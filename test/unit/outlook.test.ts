// What a plan means, and how its values are shown: facts in, the whole picture out.
import t from 'tap';
import { changesOf } from '../../agent/deploy/plan/diff.ts';
import { toDowntime, toImages, toPorts, toServices, toVolumes } from '../../agent/deploy/plan/outlook.ts';
import type { Rendered, RenderedService } from '../../agent/deploy/rendered.ts';
import { hideSecrets, showChange } from '../../agent/deploy/plan/show-change.ts';
import { hideIn } from '../../agent/secrets/hide.ts';
import { FakeEngine } from '../support/fake-engine.ts';

const rendered = (services: Record<string, RenderedService>, more: object = {}): Rendered => ({
  name: 'shop',
  services,
  ...more,
});
const image = (sizeBytes: number) => ({
  id: 'x',
  tags: [],
  digests: [],
  sizeBytes,
  architecture: 'amd64',
  hasHealthCheck: false,
  ports: [],
  volumes: [],
});
const open = (text: string) => text;

t.test('each image is named once, with where it comes from', async (t) => {
  const desired = rendered({
    web: { image: 'web:1' },
    worker: { image: 'web:1' },
    db: { image: 'db:1' },
    app: { build: '.' },
    cache: { image: 'cache:1' },
  });
  const found = { web: image(10), worker: image(10), db: image(20), app: undefined, cache: undefined };
  const asked = { pulled: ['db:1', 'cache:1'], downloads: new Map([['cache:1', 7]]) };
  t.strictSame(toImages(desired, found, asked), [
    { reference: 'cache:1', services: ['cache'], source: 'pull', sizeBytes: null, downloadBytes: 7 },
    { reference: 'db:1', services: ['db'], source: 'refresh', sizeBytes: 20, downloadBytes: null },
    { reference: 'shop-app', services: ['app'], source: 'build', sizeBytes: null, downloadBytes: null },
    { reference: 'web:1', services: ['web', 'worker'], source: 'present', sizeBytes: 10, downloadBytes: null },
  ]);
});

t.test('volumes are kept, made or left behind, never removed', async (t) => {
  const volumes = { data: { name: 'shop_data' }, logs: {}, shared: { name: 'of-others', external: true } };
  const uses = [
    { type: 'volume', source: 'data', target: '/data' },
    { type: 'bind', source: '/logs', target: '/l' },
  ];
  const desired = rendered({ db: { volumes: uses }, web: {} }, { volumes });
  t.strictSame(toVolumes(desired, ['shop_old', 'shop_data']), [
    { name: 'shop_data', action: 'keep', services: ['db'] },
    { name: 'shop_logs', action: 'create', services: [] },
    { name: 'of-others', action: 'keep', services: [] },
    { name: 'shop_old', action: 'leave', services: [] },
  ]);
  t.strictSame(toVolumes(rendered({}), []), []);
});

t.test('ports are as the file has them; one that Docker chooses is not known', async (t) => {
  const ports = [
    { mode: 'ingress', target: 80, published: '8080', protocol: 'tcp', host_ip: '127.0.0.1' },
    { mode: 'ingress', target: 53, protocol: 'udp' },
  ];
  t.strictSame(toPorts(rendered({ web: { ports }, db: {} })), [
    { service: 'web', host: '8080', container: 80, protocol: 'tcp', address: '127.0.0.1' },
    { service: 'web', host: null, container: 53, protocol: 'udp', address: '' },
  ]);
});

t.test('who stops answering: what runs and has to go, but not where enough of it stay', async (t) => {
  const engine = new FakeEngine();
  const states = { new: 'running', dead: 'exited', same: 'running', gone: 'running', fewer: 'running', off: 'running' };
  const containers = Object.entries(states).map(([service, state]) =>
    engine.addContainer({ name: `shop-${service}-1`, service, state: state as 'running' | 'exited' }),
  );
  const desired = rendered({ new: {}, dead: {}, same: {}, fewer: { scale: 1 }, off: { deploy: { replicas: 0 } } });
  const actions = {
    new: 'recreate',
    dead: 'recreate',
    same: 'keep',
    gone: 'remove',
    fewer: 'remove',
    off: 'remove',
  } as const;
  const steps = Object.entries(actions).map(([service, action]) => ({ service, action, reason: '' }));
  t.strictSame(toDowntime(steps, containers, desired), ['new', 'gone', 'off']);
});

t.test('a change is shown field by field, where both sides are known', async (t) => {
  const made = rendered({ web: { image: 'web:1', environment: { LEVEL: 'info', OLD: 'x' }, labels: { team: 'a' } } });
  const now = { image: 'web:2', environment: { LEVEL: 'debug' }, labels: { team: 'a' }, command: ['a', 'b'] };
  const desired = rendered({ web: now, db: {} });
  const steps = [
    { service: 'web', action: 'recreate' as const, reason: 'r' },
    { service: 'db', action: 'create' as const, reason: 'c' },
  ];
  t.strictSame(toServices(steps, { made, desired }, open), [
    {
      ...steps[0],
      fields: [
        { field: 'image', before: 'web:1', after: 'web:2' },
        { field: 'environment.LEVEL', before: 'info', after: 'debug' },
        { field: 'environment.OLD', before: 'x', after: null },
        { field: 'command', before: null, after: '["a","b"]' },
      ],
    },
    { ...steps[1], fields: [] },
  ]);
});

t.test('A69: secrets are hidden by value and by name, and what is too long is cut', async (t) => {
  const hide = hideIn(['canary-secret', 'ab']);
  const shown = (before: RenderedService, after: RenderedService) =>
    changesOf(before, after).map((change) => showChange(change, hide));
  t.strictSame(
    shown(
      { environment: { API_KEY: '1', SHORT: 'x', URL: 'a' } },
      { environment: { API_KEY: '2', SHORT: 'ab', URL: 'db://u:pw@host' } },
    ),
    [
      { field: 'environment.API_KEY', before: '***', after: '***' },
      { field: 'environment.SHORT', before: 'x', after: '***' },
      { field: 'environment.URL', before: 'a', after: '***' },
    ],
  );
  const [command] = shown({}, { command: ['run', '--token=abc', '--mode=x', 'canary-secret'] });
  t.equal(command?.after, '["run","--token=***","--mode=x","***"]');
  const [long] = shown({}, { command: 'x'.repeat(1000) });
  t.equal(long?.after, `${'x'.repeat(500)}…`);
  t.strictSame(hideSecrets({ a: [{ password: 'p', n: 1, empty: '' }], PASSWORD: '' }, hide), {
    a: [{ password: '***', n: 1, empty: '' }],
    PASSWORD: '',
  });
});
