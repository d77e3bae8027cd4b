import t from 'tap';
import { findProxy, NO_PROXIES, readProxies, type Proxies } from '../../agent/link/proxy.ts';

const proxyOf = (env: Record<string, string>, url: string): string | undefined =>
  findProxy(new URL(url), readProxies(env) as Proxies)?.href;

t.test('the variables that others read as well', async (t) => {
  const env = { HTTPS_PROXY: 'http://proxy:3128', HTTP_PROXY: 'other:8080', https_proxy: '' };
  t.equal(proxyOf({ HTTPS_PROXY: 'http://proxy:3128' }, 'https://panel.example.com'), 'http://proxy:3128/');
  t.equal(proxyOf(env, 'https://panel.example.com'), undefined, 'the small letters count first, and empty means none');
  t.equal(proxyOf(env, 'http://panel.example.com'), 'http://other:8080/', 'without a scheme');
  t.same(readProxies({}), NO_PROXIES);
});

t.test('what is no proxy is named, without its text', async (t) => {
  t.equal(readProxies({ HTTPS_PROXY: 'socks5://user:canary@x' }), 'HTTPS_PROXY');
  t.equal(readProxies({ http_proxy: 'http://' }), 'http_proxy');
});

t.test('NO_PROXY names whom to call directly; this machine is always', async (t) => {
  const cases: [noProxy: string, host: string, isDirect: boolean][] = [
    ['*', 'panel.example.com', true],
    ['example.com', 'panel.example.com', true],
    ['.example.com', 'panel.example.com', true],
    ['*.example.com', 'panel.example.com', true],
    ['example.com', 'badexample.com', false],
    ['panel.example.com:8443', 'panel.example.com:8443', true],
    ['panel.example.com:443', 'panel.example.com', true],
    ['panel.example.com:8443', 'panel.example.com', false],
    ['a, PANEL.example.com', 'panel.example.com', true],
    ['10.0.0.0/8', '10.1.2.3', true],
    ['10.0.0.0/8', '11.1.2.3', false],
    ['10.0.0.0/99', '10.1.2.3', false],
    ['2001:db8::/32', '[2001:db8::7]:8443', true],
    ['2001:db8::7', '[2001:db8::7]', true],
    ['3.4', '1.2.3.4', false],
    ['', 'localhost', true],
    ['', '127.0.0.1:8080', true],
    ['', '[::1]:8080', true],
    ['', 'panel.example.com', false],
  ];
  for (const [noProxy, host, isDirect] of cases) {
    const found = proxyOf({ HTTPS_PROXY: 'http://proxy:3128', NO_PROXY: noProxy }, `https://${host}`);
    t.equal(found === undefined, isDirect, `${host} with NO_PROXY=${noProxy}`);
  }
});
