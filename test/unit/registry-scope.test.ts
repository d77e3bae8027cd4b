import t from 'tap';
import { loginsFor } from '../../control/app/registries/registry-scope.ts';

const SCOPE = ['docker.io', 'ghcr.io', 'registry.example.com:5000'].map((server) => {
  return { server, username: 'u', password: 'p' };
});
const ALL = SCOPE.map(({ server }) => server);

const serversFor = (compose: string) => loginsFor(compose, SCOPE).map(({ server }) => server);
const withImages = (...images: string[]) =>
  `services:\n${images.map((image, i) => `  s${i}: { image: "${image}" }\n`).join('')}`;

t.test('a service is given the logins its images name, and no others', async (t) => {
  t.same(serversFor(withImages('ghcr.io/team/web:1')), ['ghcr.io']);
  t.same(serversFor(withImages('nginx:1.28.0', 'team/web@sha256:0123')), ['docker.io']);
  t.same(serversFor(withImages('ghcr.io/a', 'registry.example.com:5000/b', 'quay.io/c')), ALL.slice(1));
  t.same(serversFor(withImages('quay.io/team/web')), []);
  t.same(loginsFor(withImages('nginx'), []), []);
});

t.test('a variable in tag or path leaves the registry readable', async (t) => {
  t.same(serversFor(withImages('nginx:${TAG}')), ['docker.io']);
  t.same(serversFor(withImages('ghcr.io/${TEAM}/web:${TAG:-1}')), ['ghcr.io']);
});

t.test('all logins of the scope go where only the host finds out which one is needed', async (t) => {
  const cases = {
    'a server that is a variable': withImages('${REGISTRY}/team/web:1'),
    'a part of the server that is a variable': withImages('registry.${DOMAIN}/web'),
    'an image that is a variable': withImages('${IMAGE}'),
    'an image that is a variable with a default': withImages('${IMAGE:-ghcr.io/team/web}'),
    'base images of a build': 'services: { web: { build: ., image: "quay.io/team/web" } }',
    'other files': 'include: [more.yaml]\nservices: { web: { image: quay.io/web } }',
    'a base in another file': 'services: { web: { image: quay.io/web, extends: { file: base.yaml, service: web } } }',
    'no image': 'services: { web: { extends: base } }',
    'no text, as from Git': '',
    'what is no YAML': '{',
  };
  for (const [name, compose] of Object.entries(cases)) t.same(serversFor(compose), ALL, name);
});
