// Upgrades of hosts through the command, against the real API and hosts that are joined in memory.
import t, { type Test } from 'tap';
import { systemClock, type Clock } from '#shared/time.ts';
import { runCli } from '../support/cli.ts';
import { startRealHttp } from '../support/real-http.ts';
import { UpgradeWorld } from '../support/upgrade-world.ts';

/** Waits of a second are over at once. */
const HASTY: Clock = { ...systemClock, now: () => systemClock.now(), after: (_ms, run) => systemClock.after(5, run) };

async function start(t: Test, ...names: string[]) {
  const { world, http, key } = await startRealHttp(t);
  const it = new UpgradeWorld(world);
  it.offer('0.2.0');
  for (const name of names) await it.join(name, { zone: name });
  const run = (...args: string[]) =>
    runCli(['hosts', ...args], { url: http.url, env: { LONGSHORE_API_KEY: key }, clock: HASTY });
  return { it, run };
}

t.test('hosts are upgraded by name or label, and shown', async (t) => {
  const { it, run } = await start(t, 'a', 'b', 'c');
  t.match(await run('upgrade', '--to', '9.9.9'), { exitCode: 6, stderr: /must be 0\.2\.0/ });
  t.match(await run('upgrade', 'nobody'), { exitCode: 3, stderr: /There is no host "nobody"/ });
  t.match(await run('upgrade', 'b', 'a', '--wave', '50%'), {
    stdout: /^upgrade upg_\w+ to 0\.2\.0: 1 pending, 1 running/,
  });
  const id = it.world.stores.hostUpgrades.findCurrent()?.id ?? '';
  await it.say('b', { phase: 'downloading', percent: 7 });
  t.match(await run('upgrades', id), {
    stdout: /1\tb\trunning\t0\.1\.0\tdownloading 7 %\t-\n-\ta\tpending\t-\t-\t-/,
  });
  t.match(await run('upgrade', '--label', 'zone=c'), { exitCode: 5, stderr: /Hosts are being upgraded already/ });
  t.match(await run('cancel-upgrade', id), { stdout: `${id} is cancelled\n` });
  t.match(await run('upgrades'), { stdout: /upg_\w+\t0\.2\.0\tcancelled\t1 running, 1 skipped\t/ });
});

t.test('a halt is a failure that says how to go on', async (t) => {
  const { it, run } = await start(t, 'a');
  it.words['a'] = { phase: 'reverted', reason: 'Its agent was not connected' };
  const followed = run('upgrade', '--follow');
  t.match(await followed, {
    exitCode: 1,
    stderr: /a: failed \(Its agent was not connected\)\n(.|\n)*hosts resume-upgrade upg_\w+/,
  });
});

t.test('following ends when only hosts that are away are left', async (t) => {
  const { it, run } = await start(t, 'a');
  it.hosts['a']?.disconnect();
  t.match(await run('upgrade', '--follow'), {
    exitCode: 0,
    stdout: '0.2.0: 1 pending\n',
    stderr: /a: pending \(It is not/,
  });
});
