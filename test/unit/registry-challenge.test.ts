// What a registry may make us do by asking for a login.
import t from 'tap';
import { readChallenge, redirectUrl, tokenIn, tokenUrl } from '../../agent/images/challenge.ts';

t.test('a challenge is read in all its forms', async (t) => {
  const hub =
    'Bearer realm="https://auth.docker.io/token",service="registry.docker.io",scope="repository:library/nginx:pull"';
  t.same(readChallenge(hub), {
    scheme: 'bearer',
    realm: 'https://auth.docker.io/token',
    service: 'registry.docker.io',
    scope: 'repository:library/nginx:pull',
  });
  t.match(readChallenge('bearer realm=https://auth.example/t'), { scheme: 'bearer', realm: 'https://auth.example/t' });
  t.match(readChallenge('Basic realm="a", Bearer realm="https://b/"'), { scheme: 'bearer', realm: 'https://b/' });
  t.match(
    readChallenge('Bearer realm="https://a/\\"x",realm="https://b/"'),
    { realm: 'https://a/"x' },
    'the first counts',
  );
  t.match(readChallenge('Basic realm="Registry"'), { scheme: 'basic' });
  t.match(readChallenge('Basic'), { scheme: 'basic' });
  for (const odd of ['', 'Negotiate', 'Bearer service="x"', `Bearer realm="${'x'.repeat(5000)}"`]) {
    t.equal(readChallenge(odd), undefined, odd.slice(0, 30));
  }
});

const realmOf = (realm: string, registry = 'https://registry.example/v2/a/manifests/1') =>
  tokenUrl({
    challenge: { scheme: 'bearer', realm, service: 'a b', scope: undefined },
    registry: new URL(registry),
    repository: 'team/web',
  });

t.test('a token is asked for the one repository, to pull', async (t) => {
  t.equal(
    realmOf('https://auth.example/token?client=x').href,
    'https://auth.example/token?client=x&service=a+b&scope=repository%3Ateam%2Fweb%3Apull',
  );
});

t.test('a registry over TLS leads nowhere in the clear; one in the clear stays on its host', async (t) => {
  const clear = 'http://127.0.0.1:5000/v2/a/manifests/1';
  t.equal(realmOf('http://127.0.0.1:5001/token', clear).host, '127.0.0.1:5001');
  const refused: [realm: string, registry?: string][] = [
    ['http://auth.example/token'],
    ['http://registry.example/token'],
    ['http://169.254.169.254/latest/meta-data'],
    ['http://169.254.169.254/latest/meta-data', clear],
    ['http://10.0.0.1/token', clear],
    ['file:///etc/passwd'],
    ['https://user:secret@auth.example/token'],
    ['/token'],
    ['nonsense'],
  ];
  for (const [realm, registry] of refused) t.throws(() => realmOf(realm, registry), { code: 'egress_denied' }, realm);
});

t.test('a redirect keeps to the same rule', async (t) => {
  const from = new URL('https://registry.example/v2/a/manifests/1');
  t.equal(redirectUrl(from, '/v2/b/manifests/1').href, 'https://registry.example/v2/b/manifests/1');
  t.equal(redirectUrl(from, 'https://ghcr.io/v2/a/manifests/1').host, 'ghcr.io');
  for (const to of [
    'http://registry.example/v2/a',
    'http://169.254.169.254/',
    'gopher://x/',
    'https://a:b@c/',
    'http://[',
  ]) {
    t.throws(() => redirectUrl(from, to), { code: 'egress_denied' }, to);
  }
});

t.test('only what fits into a header is a token', async (t) => {
  t.equal(tokenIn('{"token":"abc.def"}'), 'abc.def');
  t.equal(tokenIn('{"access_token":"xyz"}'), 'xyz');
  t.equal(tokenIn('{"token":"a\\r\\nX-Evil: 1","access_token":"xyz"}'), 'xyz');
  for (const odd of ['', 'null', '[]', '{}', '{"token":1}', '{"token":""}', '{"token":"a b"}'])
    t.equal(tokenIn(odd), undefined, odd);
});
