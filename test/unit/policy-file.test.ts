// The host's policy file, and paths that lead somewhere else than they read.
import { chmodSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { judgeOnHost, loadPolicy } from '../../agent/policy.ts';
import { parseCompose } from '#shared/compose/parse.ts';
import { DEFAULT_POLICY } from '#shared/compose/rules.ts';

const OWN_UID = process.getuid?.() ?? 0;

function policyFile(t: Test, text: string, mode = 0o644): string {
  const path = join(t.testdir(), 'policy.yaml');
  writeFileSync(path, text);
  chmodSync(path, mode);
  return path;
}

t.test('without a file the built-in rules hold; with one it changes what it names', async (t) => {
  t.equal(await loadPolicy('/nowhere/policy.yaml'), DEFAULT_POLICY);
  const { tenant, operator } = await loadPolicy(policyFile(t, 'tenant:\n  privilegedPorts: true\n'), OWN_UID);
  t.same(tenant, { ...DEFAULT_POLICY.tenant, privilegedPorts: true });
  t.same(operator, DEFAULT_POLICY.operator);
  const { operator: closed } = await loadPolicy(policyFile(t, 'operator: {exec: false}'), OWN_UID);
  t.same(closed, { ...DEFAULT_POLICY.operator, exec: false });
  t.same(await loadPolicy(policyFile(t, ''), OWN_UID), DEFAULT_POLICY, 'an empty file changes nothing');
});

t.test('a file that others could have written, or that is half understood, is no policy', async (t) => {
  const refused: [string, string, number, number, RegExp][] = [
    ['of another user', '', 0o644, OWN_UID + 1, /must belong to root/],
    ['writable by the group', '', 0o664, OWN_UID, /chmod 644/],
    ['an unknown rule', 'tenant: {privilegd: true}', 0o644, OWN_UID, /privilegd/],
    ['an unknown section', 'tenants: {}', 0o644, OWN_UID, /tenants/],
    ['a wrong type', 'tenant: {privileged: maybe}', 0o644, OWN_UID, /tenant\.privileged/],
    ['no YAML', 'tenant: [', 0o644, OWN_UID, /./],
  ];
  for (const [name, text, mode, uid, details] of refused) {
    await t.rejects(loadPolicy(policyFile(t, text, mode), uid), { code: 'config_invalid', details }, name);
  }
});

t.test('A40, A41: a link out of the folder is refused, wherever it stands and whatever it is called', async (t) => {
  const root = t.testdir({ outside: { 'secret.txt': '' }, shop: { 'own.txt': '' } });
  const projectDir = join(root, 'shop');
  symlinkSync('/', join(projectDir, 'root'));
  symlinkSync('../outside', join(projectDir, 'sibling'));
  symlinkSync('../nothing-yet', join(projectDir, 'dangling'));
  symlinkSync('own.txt', join(projectDir, 'inner'));
  symlinkSync('.', join(projectDir, 'itself'));
  symlinkSync('../shop', join(projectDir, 'sideways'));
  mkdirSync(join(projectDir, 'deep'));
  symlinkSync('../../outside/secret.txt', join(projectDir, 'deep/file'));
  symlinkSync('/', join(projectDir, 'a$b'));
  const judge = (keys: string, rules = DEFAULT_POLICY.tenant) => {
    const context = { rules, form: 'normalised', project: 'shop', projectDir, reservedPorts: [] } as const;
    return judgeOnHost(parseCompose(`services: {a: {image: x, ${keys}}}`), context).map(
      ({ path, rule }) => `${path}: ${rule}`,
    );
  };
  for (const source of [
    './root',
    './root/etc',
    './sibling',
    './dangling',
    './dangling/sub',
    './deep/file',
    './itself',
    './sideways/rendered.json',
    './a$$b',
    `${projectDir}/root`,
  ]) {
    t.same(judge(`volumes: ["${source}:/x"]`), ['services.a.volumes[0]: bindMounts'], source);
    t.same(judge(`volumes: ["${source}:/x"]`, DEFAULT_POLICY.operator), [], `${source} (operator)`);
  }
  t.same(judge('env_file: deep/file'), ['services.a.env_file[0]: outsideFiles']);
  t.same(judge('env_file: a$$b/etc/hostname'), ['services.a.env_file[0]: outsideFiles']);
  t.same(judge('extends: {file: sibling/x.yaml, service: a}'), ['services.a.extends.file: outsideFiles']);
  t.same(judge('env_file: inner, volumes: ["./own.txt:/x", "./not-there/yet:/y", "./inner:/z"]'), []);
});

t.test('A40: a folder of the host that may be mounted holds no way out of it', async (t) => {
  const root = t.testdir({ share: { media: {} }, shop: {} });
  symlinkSync('/etc', join(root, 'share/etc'));
  const rules = { ...DEFAULT_POLICY.tenant, bindFolders: [join(root, 'share')] };
  const projectDir = join(root, 'shop');
  const judge = (source: string) => {
    const context = { rules, form: 'normalised', project: 'shop', projectDir, reservedPorts: [] } as const;
    return judgeOnHost(parseCompose(`services: {a: {image: x, volumes: ["${source}:/x"]}}`), context);
  };
  t.match(judge(join(root, 'share/etc')), [{ path: 'services.a.volumes[0]', rule: 'bindMounts' }]);
  t.same(judge(join(root, 'share/media')), []);
});
