// `longshore doctor` on folders of this machine, with nothing running and with a program that is not ours.
import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { systemClock } from '#shared/time.ts';
import { openState } from '../../agent/state/open.ts';
import { openStores } from '../../control/store/stores.ts';
import { runCli } from '../support/cli.ts';
import { makeFolder } from '../support/folder.ts';

/** The discard service, which nobody has had for decades. */
const NOBODY = '127.0.0.1:9';

interface Told {
  sound: boolean;
  findings: { side: string; check: string; verdict: string; found: string; fix: string | null }[];
}

async function examine(args: string[], env: Record<string, string> = {}) {
  const { exitCode, stdout, stderr } = await runCli(['doctor', '--json', ...args], { env });
  const { sound, findings } = JSON.parse(stdout) as Told;
  const find = (check: string) => findings.find((one) => one.check === check);
  return { exitCode, stderr, sound, findings, find };
}

/** A control plane's folder as its first start leaves it. */
async function controlFolder(t: Test): Promise<string> {
  const dir = makeFolder(t, 'doctor');
  await openStores(dir, systemClock).close();
  for (const name of ['control-key.pem', 'admin.key']) writeFileSync(join(dir, name), 'x', { mode: 0o600 });
  return dir;
}

t.test('a control plane that does not run', async (t) => {
  const dir = await controlFolder(t);
  const env = { LONGSHORE_LISTEN: NOBODY };
  const { exitCode, stderr, sound, findings, find } = await examine(['--control-dir', dir], env);
  t.match({ exitCode, stderr, sound }, { exitCode: 1, stderr: '', sound: false });
  t.match(find('port'), { verdict: 'fail', found: /nobody listens/ });
  t.match(find('database'), { verdict: 'ok', found: /^schema \d+$/ });
  t.match(
    findings.filter(({ check }) => check === 'key').map(({ verdict }) => verdict),
    ['ok', 'ok', 'ok'],
  );
  t.same(
    findings.filter(({ verdict, fix }) => verdict !== 'ok' && fix === null),
    [],
    'each fault has its way out',
  );
});

t.test('a control plane whose port another program has, with a key that all may read', async (t) => {
  const dir = await controlFolder(t);
  chmodSync(join(dir, 'secret.key'), 0o644);
  const other = createServer((_request, response) => response.writeHead(404).end()).listen(0, '127.0.0.1');
  t.teardown(() => other.close());
  await once(other, 'listening');
  const env = { LONGSHORE_LISTEN: `127.0.0.1:${(other.address() as AddressInfo).port}` };
  const { find } = await examine(['--control-dir', dir], env);
  t.match(find('port'), { verdict: 'fail', found: /something else answers there \(status 404\)/ });
  t.match(find('key'), { verdict: 'fail', found: /open to others \(644\)/, fix: /^chmod 600 / });
});

t.test('a database that is none, and a release that was tampered with', async (t) => {
  const dir = makeFolder(t, 'doctor');
  writeFileSync(join(dir, 'control.db'), 'no database');
  mkdirSync(join(dir, 'dist'));
  writeFileSync(join(dir, 'dist', 'manifest.json'), '{}');
  const env = { LONGSHORE_LISTEN: NOBODY, LONGSHORE_DIST_DIR: join(dir, 'dist') };
  const { find } = await examine(['--control-dir', dir], env);
  t.match(find('database'), { verdict: 'fail', found: /not a database/, fix: /control restore/ });
  t.match(find('release'), { verdict: 'warn' });
});

t.test('a host whose agent does not run, and whose control plane is away', async (t) => {
  const dir = makeFolder(t, 'doctor');
  const state = openState(dir, systemClock);
  state.meta.set('controlUrl', `http://${NOBODY}`);
  state.close();
  const { exitCode, find } = await examine(['--agent-dir', dir]);
  t.equal(exitCode, 1);
  t.match(find('agent'), { side: 'host', verdict: 'fail', fix: /journalctl/ });
  t.match(find('control'), { verdict: 'fail', found: `http://${NOBODY} does not answer: ECONNREFUSED` });
  t.match(find('git'), { verdict: 'ok', found: /^\d+\./ });
});

t.test('settings that cannot be are named', async (t) => {
  const { exitCode, stderr } = await runCli(['doctor', '--control-dir', makeFolder(t, 'doctor')], {
    env: { LONGSHORE_LISTEN: 'nowhere' },
  });
  t.equal(exitCode, 78);
  t.match(stderr, /LONGSHORE_LISTEN is "nowhere"/);
});
