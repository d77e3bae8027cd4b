// The agent's half of an upgrade: a release over HTTP from a folder, and root's half played by the test.
import { once } from 'node:events';
import {
  createReadStream,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { basename, join } from 'node:path';
import t, { type Test } from 'tap';
import { silentLogger } from '#shared/log.ts';
import type { UpgradeProgress } from '#shared/protocol/upgrade-parts.ts';
import { systemClock, type Clock } from '#shared/time.ts';
import { findInstallDir } from '../../agent/upgrade/place.ts';
import { Upgrades, type UpgradeDeps } from '../../agent/upgrade/upgrades.ts';
import { eventually } from '../support/eventually.ts';
import { makeFolder } from '../support/folder.ts';
import { archiveName, createReleaseKey, writeRelease } from '../support/host-release.ts';

/** The wait before another try is over at once; limits of time stay what they are. */
const HASTY: Clock = {
  ...systemClock,
  now: () => systemClock.now(),
  after: (ms, run) => systemClock.after(ms === 5_000 ? 5 : ms, run),
};

const ORDER = { id: 'upg_000001', version: '0.2.0', allowsDowngrade: false };

async function start(t: Test, more: Partial<UpgradeDeps> = {}) {
  const folder = makeFolder(t, 'upgrades');
  const [dist, dataDir, installDir] = ['dist', 'data', 'opt'].map((name) => join(folder, name)) as [
    string,
    string,
    string,
  ];
  for (const dir of [dist, dataDir, installDir]) mkdirSync(dir);
  const key = createReleaseKey();
  writeRelease(dist, '0.2.0', key);
  writeFileSync(join(folder, 'release.pub'), key.pem);
  let isBroken = false;
  const server = createServer(({ url = '' }, response) => {
    const path = join(dist, basename(url));
    if (!url.startsWith('/dist/') || !existsSync(path)) {
      response.writeHead(404).end();
      return;
    }
    response.setHeader('content-length', statSync(path).size);
    if (isBroken && url.endsWith('.gz')) {
      isBroken = false;
      response.write('half', () => response.destroy());
      return;
    }
    createReadStream(path).pipe(response);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const stop = new AbortController();
  t.teardown(() => {
    stop.abort();
    server.close();
  });
  const upgrades = new Upgrades({
    installDir,
    dataDir,
    releaseKey: join(folder, 'release.pub'),
    way: { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}` },
    agentVersion: '0.1.0',
    arch: process.arch,
    run: (_name, task) => void task(stop.signal),
    clock: systemClock,
    log: silentLogger(),
    ...more,
  });
  const spool = join(dataDir, 'upgrade');
  const ask = (order = ORDER) => upgrades.answer(order);
  const end = (order = ORDER): Promise<UpgradeProgress> =>
    eventually(() => ask(order), { until: ({ phase }) => phase !== 'downloading' });
  const breakOnce = () => void (isBroken = true);
  return { ask, end, dist, spool, installDir, key, breakOnce };
}

t.test('a release is downloaded, checked and handed to root, once', async (t) => {
  const { ask, end, spool } = await start(t);
  t.match(await ask(), { phase: 'downloading' });
  t.match(await end(), { phase: 'handed_over', reason: null });
  t.equal(readFileSync(join(spool, 'request'), 'utf8'), `${ORDER.id} ${archiveName('0.2.0')}\n`);
  for (const name of [archiveName('0.2.0'), 'SHA256SUMS', 'SHA256SUMS.sig']) t.ok(existsSync(join(spool, name)), name);
  t.equal(statSync(spool).mode & 0o777, 0o700);
  const { mtimeMs } = statSync(join(spool, 'request'));
  t.match(await ask(), { phase: 'handed_over' });
  t.equal(statSync(join(spool, 'request')).mtimeMs, mtimeMs, 'a repeat of the order changes nothing');
});

t.test('an agent that was started anew tells what root says', async (t) => {
  const { ask, installDir, spool } = await start(t);
  mkdirSync(spool);
  writeFileSync(join(spool, 'request'), `${ORDER.id} ${archiveName('0.2.0')}\n`);
  t.match(await ask(), { phase: 'handed_over' });
  writeFileSync(join(installDir, 'upgrading.json'), JSON.stringify({ id: ORDER.id, from: '0.1.0', to: '0.2.0' }));
  t.match(await ask(), { phase: 'restarting' });
  const outcome = { id: ORDER.id, version: '0.2.0', state: 'reverted', reason: 'not connected' };
  writeFileSync(join(installDir, 'upgrade.json'), JSON.stringify(outcome));
  t.strictSame(await ask(), { phase: 'reverted', percent: null, reason: 'not connected' });
  t.match(await ask({ ...ORDER, id: 'upg_000002' }), { phase: 'downloading' }, 'another order is another try');
});

t.test('a release that somebody else signed is not taken', async (t) => {
  const { end, dist, spool } = await start(t);
  writeRelease(dist, '0.2.0', createReleaseKey());
  t.match(await end(), { phase: 'failed', reason: /signature of SHA256SUMS is not that of the release key/ });
  t.notOk(existsSync(join(spool, 'request')));
});

t.test('an archive that is not what was signed is not taken', async (t) => {
  const { end, dist, spool } = await start(t);
  truncateSync(join(dist, archiveName('0.2.0')), 100);
  t.match(await end(), { phase: 'failed', reason: /The sum of .* is wrong/ });
  t.notOk(existsSync(join(spool, 'request')));
});

t.test('what is not there, or not newer, is said', async (t) => {
  const { end, dist } = await start(t);
  const other = { ...ORDER, id: 'upg_000002', version: '0.3.0' };
  t.match(await end(other), { phase: 'failed', reason: /The control plane has no 0\.3\.0 for/ });
  const older = { ...ORDER, id: 'upg_000003', version: '0.0.9' };
  t.match(await end(older), { phase: 'failed', reason: /0\.1\.0 runs here, which is newer than 0\.0\.9/ });
  truncateSync(join(dist, 'SHA256SUMS'), 0);
  t.match(await end({ ...ORDER, id: 'upg_000004' }), { phase: 'failed', reason: /signature/ });
});

t.test('a downgrade that is wanted is wanted of root, too', async (t) => {
  const { end, dist, spool, key } = await start(t);
  writeRelease(dist, '0.0.9', key);
  t.match(await end({ ...ORDER, version: '0.0.9', allowsDowngrade: true }), { phase: 'handed_over' });
  t.match(readFileSync(join(spool, 'request'), 'utf8'), / downgrade\n$/);
});

t.test('root is reminded of a request that it has not seen', async (t) => {
  let now = 0;
  const { ask, end, spool } = await start(t, { clock: { ...systemClock, now: () => now } });
  await end();
  const request = join(spool, 'request');
  const askedAgain = async () => {
    utimesSync(request, 1, 1);
    t.match(await ask(), { phase: 'handed_over' });
    return statSync(request).mtimeMs > 1_000;
  };
  t.notOk(await askedAgain(), 'not at once');
  now += 30_000;
  t.ok(await askedAgain());
  t.equal(readFileSync(request, 'utf8'), `${ORDER.id} ${archiveName('0.2.0')}\n`);
  t.notOk(await askedAgain());
});

t.test('so it is by an agent that was started anew: a power cut may have come between', async (t) => {
  const { ask, spool } = await start(t);
  mkdirSync(spool);
  const request = join(spool, 'request');
  writeFileSync(request, `${ORDER.id} ${archiveName('0.2.0')}\n`);
  utimesSync(request, 1, 1);
  t.match(await ask(), { phase: 'handed_over' });
  t.ok(statSync(request).mtimeMs > 1_000);
});

t.test('an archive without an end does not fill the disk', async (t) => {
  const { end, spool } = await start(t, { archiveLimitBytes: 10 });
  t.match(await end(), { phase: 'failed', reason: /"longshore-0\.2\.0-.*" is too large/ });
  await eventually(() => readdirSync(spool), { until: (names) => names.length === 0 });
});

t.test('a line that breaks halfway is tried again', async (t) => {
  const { end, breakOnce } = await start(t, { clock: HASTY });
  breakOnce();
  t.match(await end(), { phase: 'handed_over' });
});

t.test('without a release key nothing is believed', async (t) => {
  const { end } = await start(t, { releaseKey: '/nonexistent/release.pub' });
  t.match(await end(), { phase: 'failed', reason: /This host has no release key at/ });
});

t.test('a control plane that never answers fails the order, not the agent', async (t) => {
  const { end } = await start(t, { way: { url: 'http://127.0.0.1:1' }, clock: HASTY });
  t.match(await end(), { phase: 'failed' });
});

t.test('an agent that runs from elsewhere cannot be upgraded', async (t) => {
  const { ask } = await start(t, { installDir: null });
  await t.rejects(ask(), { code: 'not_supported' });
  t.equal(findInstallDir('/opt/longshore/releases/0.1.0/lib'), '/opt/longshore');
  t.equal(findInstallDir('/home/me/longshore/agent'), null);
});
