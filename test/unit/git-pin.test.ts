// Which addresses git is held to for a stranger's repository. What is private: test/docker/git.test.ts.
import t from 'tap';
import { pinPublic, requirePinning } from '../../agent/deploy/git/pin.ts';
import { faultCode } from '../support/fault-code.ts';

t.test('A49: git gets the URL as it was judged, and no redirects', async (t) => {
  t.strictSame(await pinPublic('https://9.9.9.9:443/a b.git'), {
    url: 'https://9.9.9.9/a%20b.git',
    settings: ['-c', 'http.followRedirects=false'],
  });
  t.match(await pinPublic('https://[2620:fe::fe]/x.git'), { url: 'https://[2620:fe::fe]/x.git' });
  t.equal(await faultCode(pinPublic('https://0x7f.1/x.git')), 'egress_denied');
  t.equal(await faultCode(pinPublic('https://\u2460\u2461\u2466.\u24ea.\u24ea.\u2460/x.git')), 'egress_denied');
  t.equal(await faultCode(pinPublic('https://host.invalid/x.git')), 'git_failed');
});

t.test('a git that would ask DNS once more is too old for a stranger', async (t) => {
  for (const line of ['git version 2.37.0', 'git version 2.39.5 (Apple Git-154)', 'git version 3.0.1'])
    t.doesNotThrow(() => requirePinning(line), line);
  for (const line of ['git version 2.34.1', 'git version 1.99', ''])
    t.throws(() => requirePinning(line), { code: 'git_failed', details: /2\.37 or newer/ }, line);
});
