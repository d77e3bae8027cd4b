// Drift as a table: how containers were set up, how they are, and what is told of it.
import t from 'tap';
import type { LiveConfig } from '../../agent/docker/live-container.ts';
import { compareContainers, placeOf } from '../../agent/drift/compare.ts';
import { driftMessage } from '../../agent/drift/message.ts';
import { showDrift } from '../../agent/drift/show.ts';
import { expectedAfter, type Snapshot, type SnapshotContainer } from '../../agent/drift/snapshot.ts';
import { hideIn } from '../../agent/secrets/hide.ts';

let ids = 0;
const made = (name: string, config: Partial<LiveConfig> = {}, over: Partial<SnapshotContainer> = {}) => ({
  id: `id-${++ids}`,
  service: name.replace(/-\d+$/, ''),
  name: `shop-${name}`,
  imageId: 'sha256:1',
  owner: 'svc_1',
  config: { image: 'web:1', ...config },
  ...over,
});

/** One line for each container: name, change, places. */
const told = (expected: Snapshot, actual: Snapshot): string[] =>
  compareContainers(expected, actual).map(({ container, change, fields }) =>
    [container, change, ...fields.map(placeOf)].join(' '),
  );

const bind = (target: string, more: object = {}) => ({ type: 'bind', source: '/a', target, ...more });

const CASES: [name: string, expected: Snapshot, actual: Snapshot, told: string[]][] = [
  ['the same under other ids is no drift', [made('web-1')], [made('web-1')], []],
  ['a container that is gone is missing', [made('web-1'), made('db-1')], [made('web-1')], ['shop-db-1 missing']],
  ['a container of the project that was not there is extra', [], [made('toy-1')], ['shop-toy-1 extra']],
  [
    'a scalar that came, changed or went is one place',
    [made('web-1', { restart: 'always', user: '1' })],
    [made('web-1', { restart: 'no', mem_limit: 1 })],
    ['shop-web-1 changed restart user mem_limit'],
  ],
  [
    'maps differ by key, mounts by target, networks by name',
    [made('web-1', { environment: { A: '1', B: '2' }, volumes: [bind('/x')], networks: { n: {} } })],
    [made('web-1', { environment: { A: '1', B: '3' }, volumes: [bind('/x'), bind('/y')], networks: { n: {}, m: {} } })],
    ['shop-web-1 changed environment.B volumes./y networks.m'],
  ],
  [
    'ports and commands are one value',
    [made('web-1', { ports: [{ target: 80 }], command: ['a'] })],
    [made('web-1', { ports: [{ target: 81 }], command: ['b'] })],
    ['shop-web-1 changed ports command'],
  ],
  [
    'another image under the same name is a change',
    [made('web-1')],
    [made('web-1', {}, { imageId: 'sha256:2' })],
    ['shop-web-1 changed image_id'],
  ],
  [
    'a container without our label was made by somebody else',
    [made('web-1')],
    [made('web-1', {}, { owner: null })],
    ['shop-web-1 changed labels.longshore.service'],
  ],
  [
    'of replicas only the one that differs is told, by its name',
    [made('web-1'), made('web-2'), made('web-10')],
    [made('web-10', { user: '0' }), made('web-1'), made('web-2')],
    ['shop-web-10 changed user'],
  ],
  [
    'replicas have no identity: numbers do not matter',
    [made('web-1'), made('web-2')],
    [made('web-2'), made('web-3')],
    [],
  ],
  [
    'one replica less and one more are told as such',
    [made('web-1'), made('db-1')],
    [made('web-1'), made('web-2')],
    ['shop-db-1 missing', 'shop-web-2 extra'],
  ],
];

for (const [name, expected, actual, lines] of CASES) {
  t.test(name, async (t) => {
    t.same(told(expected, actual), lines);
    const files: [] = [];
    const drift = { state: 'drifted', revision: 4, services: compareContainers(expected, actual), files } as const;
    t.match(driftMessage(drift), /^Drifted from revision 4: /);
  });
}

t.test('values are shown as text, secrets by name and by value hidden, in the message none at all', async (t) => {
  const [secret, other] = ['canary-3f9a21', 'canary-77aa11'];
  const services = compareContainers(
    [made('web-1', { environment: { PASSWORD: secret, LEVEL: 'info' } })],
    [
      made('web-1', {
        environment: { PASSWORD: other, LEVEL: `from ${secret}` },
        command: ['run', `--token=${other}`],
      }),
    ],
  );
  const drift = { state: 'drifted' as const, revision: 1, services, files: [], checkedAt: 1 };
  t.same(showDrift(drift, hideIn([secret])).services[0]?.fields, [
    { path: 'environment.PASSWORD', expected: '***', actual: '***' },
    { path: 'environment.LEVEL', expected: 'info', actual: 'from ***' },
    { path: 'command', expected: null, actual: '["run","--token=***"]' },
  ]);
  t.notMatch(driftMessage(drift), /canary/);
});

t.test('a message that would be long is cut', async (t) => {
  const services = compareContainers(
    Array.from({ length: 100 }, (_, i) => made(`service-${i}`, {}, { service: `service-${i}` })),
    [],
  );
  const message = driftMessage({ state: 'drifted', revision: 1, services, files: [] });
  t.equal(message.length, 500);
  t.match(message, /…$/);
});

t.test('a deploy measures what it kept by what was recorded, and what it made by what it is', async (t) => {
  const [kept, gone] = [made('web-1', { user: '1' }), made('db-1')];
  const changed = { ...kept, config: { ...kept.config, user: '0' } };
  const fresh = made('db-1', { user: '7' });
  t.same(expectedAfter([kept, gone], [changed, fresh]), [kept, fresh]);
  t.same(expectedAfter(undefined, [changed]), [changed]);
});
