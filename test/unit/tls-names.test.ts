import t from 'tap';
import { namesOf } from '../../control/tls/names.ts';
import { toOpensslConfig } from '../../control/tls/self-signed.ts';
import { readTls } from '../../control/tls/settings.ts';

const HERE = { hostname: 'panel-1', addresses: ['127.0.0.1', '203.0.113.7', 'fe80::1', '2001:db8::7'] };
const LOCAL = ['localhost', '127.0.0.1', '::1'];

t.test('a certificate of our own holds the names by which we are called', async (t) => {
  t.same(namesOf({ ...HERE, listenHost: '127.0.0.1', publicUrl: null }), ['127.0.0.1', 'localhost', '::1']);
  t.same(namesOf({ ...HERE, listenHost: '0.0.0.0', publicUrl: 'https://panel.example.com' }), [
    'panel.example.com',
    'panel-1',
    '127.0.0.1',
    '203.0.113.7',
    '2001:db8::7',
    'localhost',
    '::1',
  ]);
  t.same(namesOf({ ...HERE, listenHost: '::1', publicUrl: 'https://[2001:db8::9]:8443' }), [
    '2001:db8::9',
    '::1',
    'localhost',
    '127.0.0.1',
  ]);
});

t.test('a name of the machine that is none is left out', async (t) => {
  const odd = { ...HERE, hostname: 'x\nsubjectAltName=DNS:evil', addresses: [] };
  t.same(namesOf({ ...odd, listenHost: '0.0.0.0', publicUrl: null }), LOCAL);
});

t.test('openssl is told names and addresses as what they are', async (t) => {
  t.match(toOpensslConfig(['panel.example.com', '::1']), '\nsubjectAltName = DNS:panel.example.com, IP:::1\n');
});

t.test('tls is auto, off, or two files', async (t) => {
  t.equal(readTls('auto'), 'auto');
  t.equal(readTls('off'), 'off');
  t.same(readTls('/etc/a.pem, /etc/b.pem'), { certFile: '/etc/a.pem', keyFile: '/etc/b.pem' });
  for (const text of ['', 'on', '/etc/a.pem', '/etc/a.pem,', ',b', 'a,b,c']) t.equal(readTls(text), undefined, text);
});
