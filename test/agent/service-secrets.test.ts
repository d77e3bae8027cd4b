// What a host remembers of its services' secrets: those of now and of before, and never in clear.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import type { ServiceSpec } from '#shared/model.ts';
import { openState } from '../../agent/state/open.ts';
import { specFor } from '../support/deploy-host.ts';
import { makeFolder } from '../support/folder.ts';
import { ManualClock } from '../support/manual-clock.ts';

function open(t: Test) {
  const dir = makeFolder(t, 'agent');
  const state = openState(dir, new ManualClock());
  t.teardown(() => state.close());
  return { dir, services: state.services };
}

const withPassword = (revision: number, password: string, more: Partial<ServiceSpec> = {}): ServiceSpec =>
  specFor('shop', { revision, variables: { PASSWORD: password, MODE: 'x' }, secretNames: ['PASSWORD'], ...more });

t.test(
  "A63: secrets are a service's variables, literals of its file and the passwords of its registries",
  async (t) => {
    const { services } = open(t);
    const registries = [{ server: 'r.example.com', username: 'u', password: 'of-the-registry' }];
    const spec = withPassword(1, 'of-a-variable', { literalSecrets: ['of-the-file'], registries });
    services.put(spec);
    t.same(services.secretsOf(spec.id), ['of-a-variable', 'of-the-file', 'of-the-registry']);
    t.same(services.secretsOf('svc_unknown'), []);
  },
);

t.test('A63: a secret that was replaced stays hidden: older lines and a rolled back revision hold it', async (t) => {
  const { services } = open(t);
  const before = services.secretsVersion;
  for (const [i, password] of ['first-one', 'second-one', 'second-one', 'third-one', 'first-one'].entries())
    services.put(withPassword(i + 1, password));
  t.same(services.secretsOf(withPassword(1, '').id), ['first-one', 'third-one', 'second-one']);
  t.equal(services.secretsVersion, before + 5);
});

t.test('A63: no more former secrets are kept than a mask should look for', async (t) => {
  const { services } = open(t);
  for (let n = 1; n <= 60; n++) services.put(withPassword(n, `password-${n}`));
  const secrets = services.secretsOf(withPassword(1, '').id);
  t.equal(secrets.length, 51);
  t.same([secrets[0], secrets[1], secrets.at(-1)], ['password-60', 'password-59', 'password-10']);
});

t.test('A69: no file of the agent holds a secret in clear, also not a former one', async (t) => {
  const { dir, services } = open(t);
  for (const [i, password] of ['canary-former', 'canary-now'].entries()) services.put(withPassword(i + 1, password));
  for (const file of readdirSync(dir)) t.notMatch(readFileSync(join(dir, file), 'latin1'), 'canary', file);
});
