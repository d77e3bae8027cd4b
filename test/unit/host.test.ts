import t from 'tap';
import { withOutage } from '../../agent/facts-report.ts';
import { collectHostFacts, isNews } from '../../agent/host.ts';
import type { TextKey } from '../../agent/state/meta.ts';
import { METHODS } from '#shared/protocol/schema.ts';
import { ManualClock } from '../support/manual-clock.ts';

function depsOf() {
  const values = new Map<TextKey, string>();
  return {
    values,
    deps: {
      dataDir: '/',
      meta: {
        get: (key: TextKey) => values.get(key),
        set: (key: TextKey, value: string) => void values.set(key, value),
      },
      agentVersion: '0.1.0',
      fetchDockerVersion: () => Promise.resolve(null),
      fetchComposeVersion: () => Promise.resolve(null),
    },
  };
}

t.test('facts of this host follow the schema, also without Docker', async (t) => {
  const facts = await collectHostFacts(depsOf().deps);
  t.strictSame(METHODS['host.facts'].result().parse(facts), facts);
  t.ok(facts.memoryFreeBytes > 0 && facts.memoryFreeBytes <= facts.memoryBytes);
  t.ok(facts.diskFreeBytes <= facts.diskBytes);
  t.equal(facts.dockerVersion, null);
  t.not(facts.os, '');
});

t.test('what only a reboot can change is asked once a boot', async (t) => {
  const { deps, values } = depsOf();
  const { os } = await collectHostFacts(deps);
  const known = JSON.parse(values.get('platform') ?? '') as { bootId: string };
  values.set('platform', JSON.stringify({ ...known, os: 'from memory' }));
  t.equal((await collectHostFacts(deps)).os, 'from memory');
  values.set('platform', JSON.stringify({ ...known, bootId: 'an earlier boot', os: 'from memory' }));
  t.equal((await collectHostFacts(deps)).os, os);
});

t.test('a little more or less free space is no news, a twentieth is', async (t) => {
  const facts = { ...(await collectHostFacts(depsOf().deps)), memoryBytes: 1000, memoryFreeBytes: 500 };
  t.notOk(isNews(facts, { ...facts, memoryFreeBytes: 510 }));
  t.ok(isNews(facts, { ...facts, memoryFreeBytes: 400 }));
  t.ok(isNews(facts, { ...facts, dockerVersion: '28.5.2' }));
});

t.test('F12: since when Docker has been away is kept until it is back', async (t) => {
  const clock = new ManualClock();
  let dockerVersion: string | null = '28.5.2';
  const facts = await collectHostFacts(depsOf().deps);
  const collect = withOutage(() => Promise.resolve({ ...facts, dockerVersion }), clock);
  const since = async () => (await collect()).dockerAwaySince;
  t.equal(await since(), null);
  dockerVersion = null;
  const awaySince = clock.now();
  t.equal(await since(), awaySince);
  clock.advance(60_000);
  const later = await collect();
  t.equal(later.dockerAwaySince, awaySince);
  t.strictSame(METHODS['host.facts'].result().parse(later), later);
  dockerVersion = '28.5.2';
  t.equal(await since(), null);
});
