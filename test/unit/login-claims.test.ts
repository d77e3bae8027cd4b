// From claims to permissions, and where a login may lead.
import t from 'tap';
import { grantOf, readPermissionMap, type ClaimRules } from '../../control/app/access/claims.ts';
import { DEFAULT_RETURN_TO, readReturnTo } from '../../control/http/return-to.ts';

const rules = (text: string, more: Partial<ClaimRules> = {}): ClaimRules => ({
  permissionsClaim: 'groups',
  permissions: readPermissionMap(text) ?? new Map(),
  customerClaim: null,
  ...more,
});

t.test('a mapping is read as it is written', async (t) => {
  const map = readPermissionMap(
    ' admins = * ; viewers=services.read, services.logs;cn=ops,ou=x=hosts.*; viewers=hosts.read;',
  );
  t.strictSame(
    [...(map ?? [])],
    [
      ['admins', ['*']],
      ['viewers', ['services.read', 'services.logs', 'hosts.read']],
      ['cn=ops,ou=x', ['hosts.*']],
    ],
  );
  for (const text of ['', ';', 'admins', '=services.read', 'a=', 'a=services.fly', 'a=services.read,,', 'a=*;b'])
    t.equal(readPermissionMap(text), undefined, text);
});

t.test('all values of the claim that are mapped count together', async (t) => {
  const both = rules('a=services.read;b=services.read,hosts.*');
  t.strictSame(grantOf({ groups: ['x', 'a', 'b'] }, both).permissions, ['services.read', 'hosts.*']);
  t.strictSame(grantOf({ groups: 'a' }, both), { permissions: ['services.read'], customerId: null }, 'a single text');
});

t.test('a claim is found by its path, and by a name that holds dots', async (t) => {
  const deep = { permissionsClaim: 'realm_access.roles' };
  t.strictSame(grantOf({ realm_access: { roles: ['a'] } }, rules('a=*', deep)).permissions, ['*']);
  const named = { permissionsClaim: 'https://example.com/roles' };
  t.strictSame(grantOf({ 'https://example.com/roles': ['a'] }, rules('a=*', named)).permissions, ['*']);
});

t.test('nobody gets in without a mapped permission', async (t) => {
  const shapes = [
    {},
    { groups: [] },
    { groups: ['other'] },
    { groups: { a: true } },
    { groups: [['a']] },
    { groups: null },
  ];
  for (const claims of [...shapes, { groups: 'A' }, { groups: [1, true] }])
    t.throws(() => grantOf(claims, rules('a=*')), { code: 'forbidden' }, JSON.stringify(claims));
  for (const path of ['constructor.name', '__proto__', 'groups.length', 'groups.0'])
    t.throws(() => grantOf({ groups: ['a'] }, rules('a=*', { permissionsClaim: path })), { code: 'forbidden' }, path);
});

t.test('a customer claim binds; without it only those who may do everything get in', async (t) => {
  const bound = rules('admins=*;users=services.*', { customerClaim: 'org.id' });
  t.equal(grantOf({ groups: ['users'], org: { id: 'cust_a' } }, bound).customerId, 'cust_a');
  t.equal(grantOf({ groups: ['admins'], org: { id: 'cust_a' } }, bound).customerId, 'cust_a');
  t.equal(grantOf({ groups: ['admins'] }, bound).customerId, null);
  for (const org of [undefined, {}, { id: '' }, { id: ['cust_a', 'cust_b'] }, { id: 7 }, { id: 'x'.repeat(65) }])
    t.throws(() => grantOf({ groups: ['users'], org }, bound), { code: 'forbidden' }, JSON.stringify(org));
});

t.test('a login leads to a path of ours, as a browser reads it', async (t) => {
  const good = {
    '/': '/',
    '/services?x=1#y': '/services?x=1#y',
    '/a/../b': '/b',
    '/%2f..': '/%2f..', // a name with a slash in it, to every browser
    '/%5cevil.example': '/%5cevil.example',
    '/ä b': '/%C3%A4%20b',
    [DEFAULT_RETURN_TO]: DEFAULT_RETURN_TO,
  };
  for (const [text, path] of Object.entries(good)) t.equal(readReturnTo(text), path, text);
  const bad = [
    '',
    'services',
    ' /x',
    'https://evil.example',
    'javascript:alert(1)',
    '//',
    '//evil.example',
    '/\\evil.example',
    '\\\\evil.example',
    '/\t/evil.example',
    '/\n\\evil.example',
    '/.//evil.example',
    '/a/..//evil.example',
    '/%2e%2e//evil.example',
    '/%2E/\\evil.example',
    `/${'x'.repeat(2000)}`,
  ];
  for (const text of bad) t.equal(readReturnTo(text), undefined, JSON.stringify(text));
});
