// Commands on a server that `install.sh control` made the control plane find it by themselves.
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { findCredentials } from '../../cli/connect.ts';
import { findInstalled } from '../../cli/installed.ts';
import { worldOf } from '../../cli/world.ts';

const world = { ...worldOf(process), env: {} };

function installedWith(t: Test, settings: string) {
  const dir = t.testdir({ 'control.env': settings, 'admin.key': 'lsk_first\n' });
  return findInstalled({ settings: join(dir, 'control.env'), key: join(dir, 'admin.key') });
}

t.test('the URL that people use, and the first key', async (t) => {
  const installed = installedWith(
    t,
    'LONGSHORE_LISTEN=0.0.0.0:8443\nLONGSHORE_TLS=auto\nLONGSHORE_PUBLIC_URL=https://panel.example.com:8443\n',
  );
  const { url, key } = findCredentials(world, {}, installed);
  t.equal(url.href, 'https://panel.example.com:8443/');
  t.equal(key, 'lsk_first');
});

t.test('behind a proxy where it listens itself', async (t) => {
  const installed = installedWith(
    t,
    'LONGSHORE_LISTEN=127.0.0.1:8080\nLONGSHORE_TLS=off\nLONGSHORE_PUBLIC_URL=https://panel.example.com\n',
  );
  t.equal(findCredentials(world, {}, installed).url.href, 'http://127.0.0.1:8080/');
});

t.test('its key goes to nobody else', async (t) => {
  const installed = installedWith(t, 'LONGSHORE_TLS=auto\nLONGSHORE_PUBLIC_URL=https://panel.example.com\n');
  t.throws(() => findCredentials(world, { url: 'https://other.example.com' }, installed), { code: 'unauthorized' });
  const env = { LONGSHORE_URL: 'https://other.example.com', LONGSHORE_API_KEY: 'lsk_other' };
  t.equal(findCredentials({ ...world, env }, {}, installed).key, 'lsk_other');
});

t.test('where none is installed, or its files are not ours to read, nothing is found', async (t) => {
  t.equal(findInstalled({ settings: join(t.testdir({}), 'control.env'), key: '/nowhere' }), undefined);
});
