// What leaves a host about a container that somebody else made.
import t from 'tap';
import { MAX_FRAME_BYTES } from '#shared/protocol/limits.ts';
import { isCalled, maskEnv, secretsIn, toKnown } from '../../agent/containers/shown.ts';
import { toContainerView } from '../../agent/docker/engine.ts';
import { FakeEngine } from '../support/fake-engine.ts';

t.test('values at names or in forms that say so are hidden, and those that a service has for secrets', (t) => {
  const env = ['PATH=/bin', 'DB_PASSWORD=x', 'URL=redis://:pw@db/0', 'GREETING=hello canary', 'EMPTY_TOKEN=', 'BARE'];
  const holdsSecret = (value: string) => value.includes('canary');
  t.same(maskEnv(env, holdsSecret), [
    'PATH=/bin',
    'DB_PASSWORD=***',
    'URL=***',
    'GREETING=***',
    'EMPTY_TOKEN=',
    'BARE',
  ]);
  t.same(secretsIn(env), ['x', 'redis://:pw@db/0']);
  t.end();
});

t.test('a container goes by its id, the beginning that docker ps shows, and its name', (t) => {
  const box = { id: '0123456789abcdef', name: 'box' };
  for (const called of ['box', box.id, '0123456789ab', '0123456789abc']) t.ok(isCalled(box, called), called);
  for (const called of ['bo', '0123456789a', '123456789abc', '']) t.notOk(isCalled(box, called), called);
  t.end();
});

t.test('a hundred containers fit into a message, whatever they publish', (t) => {
  const ports = Array.from({ length: 2000 }, (_, i) => {
    return { host: 40_000 + i, container: 40_000 + i, protocol: 'tcp' as const, address: '0.0.0.0' };
  });
  const labels = { 'org.opencontainers.image.description': 'x'.repeat(9000) };
  const container = new FakeEngine().addContainer({ name: 'b'.repeat(255), image: 'i'.repeat(300), labels, ports });
  const host = { ...toContainerView(container), project: '', serviceId: null };
  const known = toKnown(container, host, { usage: undefined, hostMemoryBytes: 1, at: 1 });
  t.ok(JSON.stringify(Array(100).fill(known)).length < MAX_FRAME_BYTES);
  t.end();
});

t.test('its image says which version it is, in few words', (t) => {
  const labels = {
    'org.opencontainers.image.version': ' 1.2 ',
    'org.opencontainers.image.description': 'x'.repeat(9000),
  };
  const container = new FakeEngine().addContainer({ name: 'box', labels, memoryLimitBytes: null, restartCount: 3 });
  const host = { ...toContainerView(container), project: '', serviceId: null };
  const known = toKnown(container, host, { usage: undefined, hostMemoryBytes: 4000, at: 1 });
  t.match(known, { version: '1.2', restartCount: 3, usage: { cpuCores: null, memoryLimitBytes: 4000 } });
  t.equal(known.description?.length, 500);
  const limited = toKnown({ ...container, labels: {}, memoryLimitBytes: 100 }, host, {
    usage: undefined,
    hostMemoryBytes: 4000,
    at: 1,
  });
  t.match(limited, { version: null, description: null, usage: { memoryLimitBytes: 100 } }, 'its own limit counts');
  t.end();
});
