// The units say what the programs understand and what the design promises.
import { spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import t from 'tap';
import { EXIT } from '#shared/lifecycle.ts';
import { loadAgentConfig } from '../../agent/config.ts';
import { loadControlConfig } from '../../control/config.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
/** Where the release that counts is. */
const INSTALLED = '/opt/longshore/current/';
const UNITS = ['agent', 'control'] as const;
/** What of a release a unit starts. */
const ENTRIES = { agent: 'lib/agent.mjs', control: 'lib/longshore.mjs' };
/** In tenths, as `systemd-analyze security` measures: 100 is a program that may do what root may. */
const MOST_EXPOSURE = { agent: 20, control: 14, upgrade: 20 };

const read = (name: string) => readFileSync(join(ROOT, `systemd/longshore-${name}.service`), 'utf8');

/** Every value of each setting, in order. */
function parseUnit(text: string): Map<string, string[]> {
  const settings = new Map<string, string[]>();
  for (const line of text.split('\n').filter((line) => line !== '' && !line.startsWith('#') && !line.startsWith('['))) {
    const [, name = '', value = ''] = /^([A-Za-z]+)=(.*)$/.exec(line) ?? [];
    settings.set(name, [...(settings.get(name) ?? []), value]);
  }
  return settings;
}

/** `ExecStart` in parts: the runtime, the file it runs, the rest. */
function startOf(name: string): { node: string; entry: string; args: string[] } {
  const [node = '', entry = '', ...args] = (parseUnit(read(name)).get('ExecStart')?.[0] ?? '').split(' ');
  return { node, entry, args };
}

for (const name of UNITS) {
  t.test(`${name}: it starts the release that counts`, async (t) => {
    t.match(startOf(name), { node: `${INSTALLED}bin/node`, entry: `${INSTALLED}${ENTRIES[name]}` });
  });

  t.test(`${name}: systemd waits for its word, restarts it for ever, and not when a person has to act`, async (t) => {
    const unit = parseUnit(read(name));
    t.notOk(unit.has(''), 'each line is a setting');
    t.match(Object.fromEntries(unit), {
      Type: ['notify'],
      NotifyAccess: ['all'],
      Restart: ['always'],
      WatchdogSec: ['45'],
      WatchdogSignal: ['SIGKILL'],
      StartLimitIntervalSec: ['0'],
      RestartPreventExitStatus: [String(EXIT.config)],
      User: ['longshore'],
      NoNewPrivileges: ['yes'],
      ProtectSystem: ['strict'],
    });
    t.notOk(unit.has('MemoryDenyWriteExecute'), 'V8 dies of it');
  });
}

for (const [name, most] of Object.entries(MOST_EXPOSURE)) {
  if (isMissing('systemd-analyze')) break; // hosts of test/fleet have it
  const analyze = (...args: string[]) => spawnSync('systemd-analyze', args, { encoding: 'utf8' });

  t.test(`${name}: systemd has nothing to say against it`, async (t) => {
    const file = join(t.testdir({}), `longshore-${name}.service`);
    writeFileSync(file, read(name).replaceAll(/^ExecStart=\S+/gm, 'ExecStart=/bin/true'));
    const { status, stderr } = analyze('verify', '--man=no', file);
    const said = stderr.split('\n').filter((line) => line.includes(`longshore-${name}`)); // others' units are not ours
    t.same({ status, said }, { status: 0, said: [] });
  });

  t.test(`${name}: it may do little`, async (t) => {
    const file = join(ROOT, `systemd/longshore-${name}.service`);
    const { status, stdout, stderr } = analyze('security', '--offline=true', '--no-pager', `--threshold=${most}`, file);
    t.equal(status, 0, `${stderr}${/→.*/.exec(stdout)?.[0]}`);
  });
}

t.test('the programs understand their flags and keep their things in the state folder', async (t) => {
  const agent = await loadAgentConfig(startOf('agent').args, {});
  t.equal(agent.dataDir, `/var/lib/${parseUnit(read('agent')).get('StateDirectory')?.[0]}`);
  const [verb, ...flags] = startOf('control').args;
  t.equal(verb, 'control');
  const control = loadControlConfig(flags, {});
  t.equal(control.dataDir, `/var/lib/${parseUnit(read('control')).get('StateDirectory')?.[0]}`);
  t.not(control.dataDir, agent.dataDir, 'both may run on one machine');
});

t.test('the control plane has no capability: a port that needs one is opened by its socket', async (t) => {
  const unit = parseUnit(read('control'));
  t.same(unit.get('CapabilityBoundingSet'), ['']);
  t.notOk(unit.has('AmbientCapabilities'));
  t.match(readFileSync(join(ROOT, 'systemd/longshore-control.socket'), 'utf8'), /^ListenStream=443$/m);
});

t.test('a secret that is not there is an empty one, and no reason not to start', async (t) => {
  for (const name of UNITS) {
    const unit = parseUnit(read(name));
    const loaded = (unit.get('LoadCredential') ?? []).map((line) => line.split(':')[0]);
    t.not(loaded.length, 0);
    t.same(
      unit.get('SetCredential'),
      loaded.map((id) => `${id}:\\n`),
    );
  }
});

t.test('the agent has one capability, and its end is told to itself before its children die', async (t) => {
  t.match(Object.fromEntries(parseUnit(read('agent'))), {
    CapabilityBoundingSet: ['CAP_DAC_READ_SEARCH'],
    AmbientCapabilities: ['CAP_DAC_READ_SEARCH'],
    SupplementaryGroups: ['docker'],
    KillMode: ['mixed'],
    OOMPolicy: ['continue'],
  });
});

function isMissing(program: string): boolean {
  return spawnSync(program, ['--version']).error !== undefined;
}
