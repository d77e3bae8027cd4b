// What may be called, as far as the text of a URL tells.
import t from 'tap';
import { isCallable } from '#shared/address.ts';
import { requireCallableUrl } from '../../control/egress/url.ts';

const STRICT = { allowsPrivate: false };
const OPEN = { allowsPrivate: true };

const refusal = (url: string, rules = STRICT): string | undefined => {
  try {
    requireCallableUrl(url, rules);
    return undefined;
  } catch (error) {
    const { code, fields } = error as { code: string; fields: Record<string, string> };
    return `${code}: ${fields['url']}`;
  }
};

t.test('A59: every way to write an address that is not public is refused', async (t) => {
  const hosts = [
    '127.1',
    '127.0.0.1',
    '127.0.0.1.',
    '0x7f000001',
    '0x7f.1',
    '017700000001',
    '2130706433',
    '0',
    '[::1]',
    '[::]',
    '[::7f00:1]',
    '[::ffff:127.0.0.1]',
    '[::ffff:169.254.169.254]',
    '[64:ff9b::7f00:1]',
    '[2002:7f00:1::]',
    '[fd00::1]',
    '[fe80::1]',
    '①②⑦.⓪.⓪.①',
    '10.0.0.5',
    '172.16.0.1',
    '192.168.0.1',
    '100.64.0.1',
    '169.254.169.254',
    '192.0.2.1',
    '198.18.0.1',
    '224.0.0.1',
    '255.255.255.255',
  ];
  for (const host of hosts)
    t.equal(refusal(`http://${host}/hook`), 'egress_denied: names an address that is not public', host);
});

t.test('A59: local names, other schemes, user names and ports that are no web are refused', async (t) => {
  const expected = {
    'http://localhost/': 'names a host that is not public',
    'http://localhost./': 'names a host that is not public',
    'http://LOCALHOST:8080/': 'names a host that is not public',
    'http://a.localhost/': 'names a host that is not public',
    'http://metadata.google.internal/': 'names a host that is not public',
    'gopher://example.com/': 'is neither http nor https',
    'file:///etc/passwd': 'is neither http nor https',
    'javascript:alert(1)': 'is neither http nor https',
    'https://user@example.com/': 'holds a user name or password',
    'https://user:word@example.com/': 'holds a user name or password',
    'http://example.com:2375/': 'names port 2375, which is refused',
    'http://example.com:22/': 'names port 22, which is refused',
    'http://example.com:6379/': 'names port 6379, which is refused',
    'example.com/hook': 'is no URL of at most 2048 characters',
    'http://[fe80::1%25eth0]/': 'is no URL of at most 2048 characters',
    [`https://example.com/${'x'.repeat(2048)}`]: 'is no URL of at most 2048 characters',
  };
  for (const [url, problem] of Object.entries(expected)) t.equal(refusal(url), `egress_denied: ${problem}`, url);
});

t.test('a public URL comes back as it will be called', async (t) => {
  t.equal(requireCallableUrl('HTTPS://Exa%6dple.com:443/a b?c#d', STRICT).href, 'https://example.com/a%20b?c#d');
  for (const url of ['http://8.8.8.8/', 'https://[2606:4700::1111]/', 'http://example.com:8080/'])
    t.equal(refusal(url), undefined, url);
});

t.test('an operator may allow private networks, never link-local ones or refused ports', async (t) => {
  for (const url of ['http://127.0.0.1:4000/', 'http://10.1.2.3/', 'http://[fd00::1]/', 'http://localhost/'])
    t.equal(refusal(url, OPEN), undefined, url);
  for (const url of ['http://169.254.169.254/', 'http://[fe80::1]/', 'http://0.0.0.0/', 'http://127.0.0.1:2375/'])
    t.match(refusal(url, OPEN), /^egress_denied/, url);
});

t.test('what clouds tell their machines is out of reach, whatever its address looks like', async (t) => {
  for (const host of ['100.100.100.200', '168.63.129.16', '[fd00:ec2::254]', '[::ffff:168.63.129.16]', '0xA83F8110'])
    for (const rules of [STRICT, OPEN]) t.match(refusal(`http://${host}/`, rules), /^egress_denied/, host);
});

t.test('text that is no address is not callable', async (t) => {
  for (const text of ['', 'example.com', 'fe80::1%eth0', '1.2.3.4.5']) t.notOk(isCallable(text, OPEN), text);
});
