// What root does in an upgrade, on folders of a test's own and with a systemd that is told what to do.
import {
  appendFileSync,
  existsSync,
  mkdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { answerRequests, upgradeHost, type Machine, type Outcome, type Places } from '../../systemd/upgrade.mts';
import { makeFolder } from '../support/folder.ts';
import { archiveName, createReleaseKey, writeRelease } from '../support/host-release.ts';

const ID = 'upg_000001';

class Host {
  readonly places: Places;
  readonly key = createReleaseKey();
  readonly calls: string[] = [];
  /** Whose agent connects when it is started. */
  working: string[] = [];
  /** At each start of an agent. */
  onRestart = (): void => {};

  constructor(t: Test, current = '0.1.0', others: string[] = []) {
    const folder = makeFolder(t, 'root-upgrade');
    const at = (...path: string[]) => join(folder, ...path);
    this.places = {
      install: at('opt'),
      spool: at('spool'),
      releaseKey: at('release.pub'),
      connected: at('connected'),
      units: at('units'),
    };
    for (const version of [current, ...others]) mkdirSync(at('opt/releases', version, 'systemd'), { recursive: true });
    for (const name of ['spool', 'units']) mkdirSync(at(name));
    symlinkSync(join('releases', current), at('opt/current'));
    writeFileSync(at('release.pub'), this.key.pem);
    writeFileSync(at('units/longshore-agent.service'), '# of before\n');
    writeFileSync(at('opt/releases', current, 'systemd/longshore-agent.service'), '# of before\n');
  }

  get current(): string {
    return readlinkSync(join(this.places.install, 'current')).slice('releases/'.length);
  }

  get unit(): string {
    return readFileSync(join(this.places.units, 'longshore-agent.service'), 'utf8');
  }

  download(version: string, options: Parameters<typeof writeRelease>[3] = {}): void {
    writeRelease(this.places.spool, version, this.key, options);
  }

  request(version: string, { id = ID, more = '', arch = process.arch } = {}): void {
    writeFileSync(join(this.places.spool, 'request'), `${id} ${archiveName(version, arch)}${more}\n`);
  }

  run(): Promise<Outcome | undefined> {
    return upgradeHost(this.places, this.machine());
  }

  machine(): Machine {
    const systemctl = (...args: string[]) => {
      this.calls.push(args.join(' '));
      if (args[0] !== 'restart') return;
      if (this.working.includes(this.current)) writeFileSync(this.places.connected, `${this.current}\n`);
      this.onRestart();
    };
    return { arch: process.arch, systemctl, connectLimitMs: 600, log: () => {} };
  }

  /** As install.sh does it. */
  putInPlace(version: string): void {
    const [folder, link] = [join(this.places.install, 'releases', version), join(this.places.install, 'current')];
    mkdirSync(folder, { recursive: true });
    rmSync(link);
    symlinkSync(join('releases', version), link);
  }

  get outcome(): unknown {
    return JSON.parse(readFileSync(join(this.places.install, 'upgrade.json'), 'utf8'));
  }

  kept(): boolean[] {
    return ['0.1.0', '0.2.0'].map((version) => existsSync(join(this.places.install, 'releases', version)));
  }
}

t.test('a signed release takes the place of the one before, and its agent is started', async (t) => {
  const host = new Host(t, '0.1.0', ['0.0.8', '0.0.9']);
  host.working = ['0.2.0'];
  host.download('0.2.0');
  host.request('0.2.0');
  t.strictSame(await host.run(), { id: ID, version: '0.2.0', state: 'upgraded', reason: null });
  t.equal(host.current, '0.2.0');
  t.strictSame(host.calls, ['daemon-reload', 'restart --no-block longshore-agent.service']);
  t.equal(host.unit, '# of 0.2.0\n', 'an installed unit is renewed');
  t.strictSame(host.kept(), [true, true], 'the one before is kept');
  t.notOk(existsSync(join(host.places.install, 'releases/0.0.9')), 'older ones are not');
  t.equal(await host.run(), undefined, 'the same request is nothing new');
});

t.test('an agent that does not connect is taken back', async (t) => {
  const host = new Host(t);
  host.working = ['0.1.0'];
  host.download('0.2.0');
  host.request('0.2.0');
  const outcome = await host.run();
  t.match(outcome, { id: ID, state: 'reverted', reason: /not connected to the control plane within/ });
  t.equal(host.current, '0.1.0');
  t.equal(host.unit, '# of before\n');
  t.strictSame(host.kept(), [true, false], 'the broken one is removed, so that a better build of it can come');
  t.equal(host.calls.filter((call) => call.startsWith('restart')).length, 2);
});

t.test('an agent of the same version that said so before the restart does not count', async (t) => {
  const host = new Host(t, '0.2.0');
  writeFileSync(host.places.connected, '0.2.0\n');
  utimesSync(host.places.connected, 1, 1);
  host.request('0.2.0');
  t.match(await host.run(), { state: 'refused', reason: /not connected/ }, 'and there is nothing to go back to');
  t.equal(host.current, '0.2.0');
});

t.test('a death between switch and word is gone on from', async (t) => {
  const host = new Host(t, '0.2.0', ['0.1.0']);
  const note = { id: ID, from: '0.1.0', to: '0.2.0' };
  writeFileSync(join(host.places.install, 'upgrading.json'), JSON.stringify(note));
  t.match(await host.run(), { state: 'reverted' });
  t.equal(host.current, '0.1.0');
  t.notOk(existsSync(join(host.places.install, 'upgrading.json')));
});

t.test('a death while the way back is written down leaves both releases whole', async (t) => {
  const host = new Host(t);
  host.working = ['0.1.0'];
  host.download('0.2.0');
  host.request('0.2.0');
  const inTheWay = join(host.places.install, 'upgrade.json.new');
  mkdirSync(inTheWay);
  await t.rejects(host.run(), { code: 'EISDIR' });
  t.equal(host.current, '0.1.0');
  t.strictSame(host.kept(), [true, true], 'what is tried again at the next start is all there');
  rmSync(inTheWay, { recursive: true });
  t.match(await host.run(), { state: 'reverted' });
  t.strictSame(host.kept(), [true, false]);
});

t.test('what somebody else puts in place meanwhile stays', async (t) => {
  const host = new Host(t);
  host.download('0.2.0');
  host.request('0.2.0');
  host.onRestart = () => host.putInPlace('0.3.0');
  t.match(await host.run(), { state: 'refused', reason: '0.3.0 was put in place meanwhile' });
  t.equal(host.current, '0.3.0');
  const note = { id: 'upg_000002', from: '0.1.0', to: '0.2.0' };
  writeFileSync(join(host.places.install, 'upgrading.json'), JSON.stringify(note));
  t.match(await host.run(), { id: 'upg_000002', state: 'refused' }, 'also before one that was cut short goes on');
  t.equal(host.current, '0.3.0');
});

t.test('a clock that is set while an agent starts takes nothing from its time', async (t) => {
  const host = new Host(t);
  host.working = ['0.2.0'];
  host.download('0.2.0');
  host.request('0.2.0');
  const { now } = Date;
  t.teardown(() => void (Date.now = now));
  host.onRestart = () => void (Date.now = () => now() + 3_600_000);
  t.match(await host.run(), { state: 'upgraded' });
});

t.test('a request that comes while another one is answered is answered after it', async (t) => {
  const host = new Host(t);
  host.working = ['0.2.0'];
  host.download('0.2.0');
  host.request('0.2.0');
  host.onRestart = () => host.request('0.3.0', { id: 'upg_000002' });
  await answerRequests(host.places, host.machine());
  t.match(host.outcome, { id: 'upg_000002', state: 'refused' });
  t.equal(host.current, '0.2.0');
});

const REFUSALS: Record<string, [(host: Host) => void, RegExp]> = {
  'a list of sums that somebody else signed': [
    (host) => writeRelease(host.places.spool, '0.2.0', createReleaseKey()),
    /signature of the release is wrong/,
  ],
  'a list of sums that was changed': [
    (host) => appendFileSync(join(host.places.spool, 'SHA256SUMS'), '\n'),
    /signature of the release is wrong/,
  ],
  'an archive that was changed': [
    (host) => appendFileSync(join(host.places.spool, archiveName('0.2.0')), 'x'),
    /sum of .* is wrong/,
  ],
  'an archive that is not in the list': [(host) => host.request('0.3.0'), /is not in SHA256SUMS/],
  'an older release than the one that runs': [
    (host) => {
      host.download('0.0.9');
      host.request('0.0.9');
    },
    /0.1.0 runs here, which is newer/,
  ],
  'a release where this host trusts no key': [(host) => rmSync(host.places.releaseKey), /ENOENT.*release\.pub/],
  'a list of sums without an end': [
    (host) => writeFileSync(join(host.places.spool, 'SHA256SUMS'), Buffer.alloc(65 * 1024)),
    /SHA256SUMS is missing/,
  ],
  'a release for other machines': [
    (host) => host.request('0.2.0', { arch: process.arch === 'x64' ? 'arm64' : 'x64' }),
    /It is built for/,
  ],
  'a release that does not start on this machine': [
    (host) => host.download('0.2.0', { node: 'echo "no such library" >&2; exit 1' }),
    /does not start here: no such library/,
  ],
};

for (const [what, [break_, reason]] of Object.entries(REFUSALS)) {
  t.test(`${what} is refused, and nothing has changed`, async (t) => {
    const host = new Host(t);
    host.download('0.2.0');
    host.request('0.2.0');
    break_(host);
    t.match(await host.run(), { state: 'refused', reason });
    t.equal(host.current, '0.1.0');
    t.strictSame(host.calls, [], 'no agent was restarted');
    t.strictSame(host.kept(), [true, false]);
  });
}

t.test('an older release comes when the request wants it', async (t) => {
  const host = new Host(t);
  host.working = ['0.0.9'];
  host.download('0.0.9');
  host.request('0.0.9', { more: ' downgrade' });
  t.match(await host.run(), { state: 'upgraded' });
  t.equal(host.current, '0.0.9');
});

t.test('an archive that is a link is not followed', async (t) => {
  const host = new Host(t);
  host.download('0.2.0');
  host.request('0.2.0');
  const archive = join(host.places.spool, archiveName('0.2.0'));
  const elsewhere = join(host.places.spool, 'elsewhere');
  writeFileSync(elsewhere, readFileSync(archive));
  rmSync(archive);
  symlinkSync(elsewhere, archive);
  t.match(await host.run(), { state: 'refused', reason: /is no file/ });
  t.equal(host.current, '0.1.0');
});

t.test('a request that is none is nothing', async (t) => {
  const host = new Host(t);
  for (const text of ['', `${ID} ../../etc/passwd`, `x longshore-0.2.0-linux-x64.tar.gz`, `${ID} a b c`]) {
    writeFileSync(join(host.places.spool, 'request'), text);
    t.equal(await host.run(), undefined);
  }
});
