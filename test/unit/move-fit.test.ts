// Why a service cannot go to a host.
import t from 'tap';
import { findMisfit, type FitFacts } from '../../control/app/moves/fit.ts';

const facts = (more: Partial<FitFacts> = {}): FitFacts => ({
  service: { name: 'shop', method: 'compose', setId: null },
  from: { id: 'a', name: 'eu-1', facts: { arch: 'x64' } },
  to: { id: 'b', name: 'eu-2', facts: { arch: 'x64' } },
  data: { volumes: ['data'], folders: [] },
  files: [],
  hasNamesake: false,
  ...more,
});
const folders = (...names: string[]) => ({ volumes: [], folders: names });

t.test('a service with named volumes goes anywhere that is like its host', (t) => {
  t.equal(findMisfit(facts()), undefined);
  t.equal(findMisfit(facts({ data: null })), undefined, 'a file in a repository is read by its host');
  t.equal(findMisfit(facts({ to: { id: 'b', name: 'eu-2', facts: null } })), undefined);
  t.equal(findMisfit(facts({ data: folders('/var/run/docker.sock', '/etc/localtime') })), undefined);
  t.end();
});

t.test('what cannot go is told before anything stops', (t) => {
  const refusals: [string, Partial<FitFacts>, string][] = [
    ['Service "shop" is on host "eu-2" already', { from: facts().to }, 'state_conflict'],
    [
      'Service "shop" is a member of a set: it is not moved by itself',
      { service: { name: 'shop', method: 'compose', setId: 'set_1' } },
      'state_conflict',
    ],
    [
      'Service "shop" was made by AI: it is not moved',
      { service: { name: 'shop', method: 'ai', setId: null } },
      'not_supported',
    ],
    ['Host "eu-2" already has a service "shop"', { hasNamesake: true }, 'name_taken'],
    [
      'The hosts are of different architectures',
      { to: { id: 'b', name: 'eu-2', facts: { arch: 'arm64' } } },
      'state_conflict',
    ],
    [
      'Service "shop" keeps data in folders of its host, which do not move: /srv/shop, ./data',
      { data: folders('/srv/shop', './data') },
      'not_supported',
    ],
  ];
  for (const [message, more, code] of refusals) t.match(findMisfit(facts(more)), { code, message });
  t.end();
});

t.test('files that a service brings along are no data of its host', (t) => {
  const files = ['nginx.conf', 'conf.d/site.conf'];
  t.equal(findMisfit(facts({ files, data: folders('./nginx.conf', './conf.d', './conf.d/') })), undefined);
  t.match(findMisfit(facts({ files, data: folders('./conf') })), { message: /: \.\/conf$/ });
  t.end();
});
