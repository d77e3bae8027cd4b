import t from 'tap';
import { findLogin, repositoryOf, serverOf, toServer } from '#shared/compose/image-name.ts';

t.test('an image name tells its registry as Docker reads it', async (t) => {
  const cases: [image: string, server: string][] = [
    ['nginx', 'docker.io'],
    ['nginx:1.28.0-alpine', 'docker.io'],
    ['library/nginx@sha256:0123', 'docker.io'],
    ['team/web', 'docker.io'],
    ['docker.io/team/web', 'docker.io'],
    ['index.docker.io/team/web', 'docker.io'],
    ['ghcr.io/team/web:1', 'ghcr.io'],
    ['registry.example.com:5000/web', 'registry.example.com:5000'],
    ['127.0.0.1:5000/team/web:1', '127.0.0.1:5000'],
    ['[2001:db8::1]:5000/web', '[2001:db8::1]:5000'],
    ['localhost/web', 'localhost'],
    ['Registry/web', 'registry'],
    ['GHCR.io/team/web', 'ghcr.io'],
  ];
  for (const [image, server] of cases) t.equal(serverOf(image), server, image);
});

t.test('what people call a registry becomes what image names have', async (t) => {
  const cases: [written: string, server: string | undefined][] = [
    ['docker.io', 'docker.io'],
    ['https://index.docker.io/v1/', 'docker.io'],
    ['registry-1.docker.io', 'docker.io'],
    ['https://registry-1.docker.io/v2', 'docker.io'],
    [' GHCR.io ', 'ghcr.io'],
    ['https://registry.example.com:5000/', 'registry.example.com:5000'],
    ['http://127.0.0.1:5000', '127.0.0.1:5000'],
    ['localhost', 'localhost'],
    ['[2001:db8::1]:5000', '[2001:db8::1]:5000'],
    ['', undefined],
    ['registry', undefined],
    ['ghcr.io/team', undefined],
    ['docker.io/library', undefined],
    ['user:secret@ghcr.io', undefined],
    ['ghcr.io?x=1', undefined],
    ['ghcr..io', undefined],
    ['-x.example', undefined],
    ['example.com:port', undefined],
    ['ftp://example.com', undefined],
  ];
  for (const [written, server] of cases) t.equal(toServer(written), server, written);
});

t.test('a pull takes the login of its registry, or none', async (t) => {
  const logins = ['docker.io', 'ghcr.io'].map((server) => ({ server, username: 'u', password: 'p' }));
  t.equal(findLogin(logins, 'nginx')?.server, 'docker.io');
  t.equal(findLogin(logins, 'ghcr.io/team/web@sha256:0123')?.server, 'ghcr.io');
  t.equal(findLogin(logins, 'quay.io/team/web'), undefined);
});

t.test('a repository is the name without tag and digest', async (t) => {
  t.equal(repositoryOf('127.0.0.1:5000/team/web:1'), '127.0.0.1:5000/team/web');
  t.equal(repositoryOf('127.0.0.1:5000/team/web@sha256:0123'), '127.0.0.1:5000/team/web');
  t.equal(repositoryOf('nginx:1@sha256:0123'), 'nginx');
  t.equal(repositoryOf('localhost:5000/web'), 'localhost:5000/web');
});
