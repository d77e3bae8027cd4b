// Who answers to a name on a host, and what Caddy is told of it.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import type { EdgeState } from '#shared/protocol/edge-parts.ts';
import { toCaddyConfig } from '../../agent/ingress/caddy-config.ts';
import { toEdgeProject } from '../../agent/ingress/edge-project.ts';
import { findTarget, type TargetFacts } from '../../agent/ingress/target.ts';
import type { Container } from '../../agent/docker/engine.ts';
import { Targets } from '../../agent/ingress/targets.ts';
import { createdContainer } from '../support/fake-container.ts';
import { makeFolder } from '../support/folder.ts';

type Port = Container['ports'][number];
const publishes = (container: number): Port => ({ host: 40_000 + container, container, protocol: 'tcp', address: '' });

const running = (service: string, given: Partial<Container> = {}): Container =>
  createdContainer({
    name: service,
    id: `id of ${service}`,
    service,
    state: 'running',
    health: 'healthy',
    address: '172.18.0.2',
    ...given,
  });

const targetOf = (containers: Container[], given: Partial<TargetFacts> = {}) => {
  const facts = { route: { service: null, port: null }, imagePorts: new Map(), leaving: new Set<string>(), ...given };
  const target = findTarget({ ...facts, containers });
  return 'dials' in target ? target.dials : target.fault.message;
};

t.test('what is published answers, on the port inside', (t) => {
  t.same(targetOf([running('web', { ports: [publishes(8080)] })]), ['172.18.0.2:8080']);
  t.same(
    targetOf([running('web', { ports: [publishes(9000), publishes(3000)] })]),
    ['172.18.0.2:3000'],
    'the usual one',
  );
  const udp = { ...publishes(53), protocol: 'udp' as const };
  t.same(targetOf([running('web', { ports: [udp, publishes(9000)] })]), ['172.18.0.2:9000']);
  t.end();
});

t.test('without that, what the image says it listens on', (t) => {
  const imagePorts = new Map([['sha256:web', [8443, 80]]]);
  t.same(targetOf([running('web', { imageId: 'sha256:web' })], { imagePorts }), ['172.18.0.2:80']);
  t.match(targetOf([running('web', { imageId: 'sha256:none' })], { imagePorts }), /listens on a port/);
  t.end();
});

t.test('of several services the one that is published, then the one with the likeliest port', (t) => {
  const imagePorts = new Map([
    ['sha256:db', [5432]],
    ['sha256:web', [80]],
  ]);
  const db = running('db', { imageId: 'sha256:db', address: '172.18.0.9' });
  const web = running('web', { imageId: 'sha256:web' });
  t.same(targetOf([db, web], { imagePorts }), ['172.18.0.2:80']);
  const published = { ...db, ports: [publishes(5432)] };
  t.same(targetOf([published, web], { imagePorts }), ['172.18.0.9:5432']);
  t.end();
});

t.test('what its user says counts', (t) => {
  const containers = [running('web', { ports: [publishes(80)] }), running('api', { address: '172.18.0.3' })];
  t.same(targetOf(containers, { route: { service: 'api', port: 9000 } }), ['172.18.0.3:9000']);
  t.same(targetOf(containers, { route: { service: null, port: 81 } }), ['172.18.0.2:81']);
  t.match(targetOf(containers, { route: { service: 'api', port: null } }), /listens on no port/);
  t.match(targetOf(containers, { route: { service: 'none', port: 80 } }), /No container of "none" runs/);
  t.end();
});

t.test('all replicas answer, but not those that are ill, begin or are about to go', (t) => {
  const replica = (id: string, given: Partial<Container> = {}) =>
    running('web', { id, address: `172.18.0.${id}`, ports: [publishes(80)], ...given });
  t.same(targetOf([replica('3'), replica('2')]), ['172.18.0.2:80', '172.18.0.3:80']);
  t.same(targetOf([replica('2', { health: 'unhealthy' }), replica('3')]), ['172.18.0.3:80']);
  t.same(targetOf([replica('2', { health: 'starting' }), replica('3')]), ['172.18.0.3:80']);
  t.same(targetOf([replica('2', { health: 'unhealthy' })]), ['172.18.0.2:80'], 'better an ill one than none');
  t.same(targetOf([replica('2'), replica('3')], { leaving: new Set(['2']) }), ['172.18.0.3:80']);
  t.match(targetOf([replica('2', { state: 'exited' })]), /No container/);
  t.same(targetOf([replica('2', { address: 'fd00::2' })]), ['[fd00::2]:80']);
  t.end();
});

const STATE: EdgeState = {
  revision: 1,
  edge: 'caddy',
  issuer: { kind: 'acme', email: 'ops@example.com', directory: null },
  routes: [
    { hostname: 'a.example.com', serviceId: 'svc_1', service: null, port: null, redirectTo: null, certificateId: null },
    {
      hostname: 'b.example.com',
      serviceId: 'svc_1',
      service: null,
      port: null,
      redirectTo: 'a.example.com',
      certificateId: null,
    },
    {
      hostname: 'c.example.com',
      serviceId: 'svc_2',
      service: null,
      port: null,
      redirectTo: null,
      certificateId: 'dom_c',
    },
  ],
  certificates: [{ id: 'dom_c', certificate: 'CERT', key: 'KEY' }],
};

/** Where it leads stands in files. */
const proxyTo = (hostname: string) => ({
  handler: 'reverse_proxy',
  upstreams: [0, 1, 2, 3, 4, 5, 6, 7].map((slot) => ({ dial: `{file./edge/targets/${hostname}.${slot}}` })),
  load_balancing: { selection_policy: { policy: 'round_robin' }, try_duration: '5s', try_interval: '100ms' },
  health_checks: { passive: { fail_duration: '5s' } },
  stream_close_delay: '24h',
  flush_interval: -1,
});

t.test('the whole configuration of Caddy', (t) => {
  const place = {
    adminSocket: '/edge/run/admin.sock',
    nobodySocket: '/edge/run/nobody.sock',
    targetsDir: '/edge/targets',
    stateDir: '/edge/state',
    httpPort: 80,
    httpsPort: 443,
    askUrl: 'http://127.0.0.1:4000/ask',
  };
  t.same(toCaddyConfig({ state: STATE, place }), {
    admin: { listen: 'unix//edge/run/admin.sock|0660', config: { persist: false } },
    storage: { module: 'file_system', root: '/edge/state' },
    apps: {
      http: {
        http_port: 80,
        https_port: 443,
        grace_period: '10s',
        servers: {
          edge: {
            listen: [':443'],
            routes: [
              {
                match: [{ host: ['a.example.com'] }],
                handle: [proxyTo('a.example.com')],
                terminal: true,
              },
              {
                match: [{ host: ['b.example.com'] }],
                handle: [
                  {
                    handler: 'static_response',
                    status_code: 308,
                    headers: { Location: ['https://a.example.com{http.request.uri}'] },
                  },
                ],
                terminal: true,
              },
              { match: [{ host: ['c.example.com'] }], handle: [proxyTo('c.example.com')], terminal: true },
              { handle: [{ handler: 'static_response', status_code: 404 }] },
            ],
            tls_connection_policies: [
              { match: { sni: ['c.example.com'] }, certificate_selection: { any_tag: ['dom_c'] } },
              {},
            ],
          },
          nobody: {
            listen: ['unix//edge/run/nobody.sock'],
            routes: [{ handle: [{ handler: 'static_response', status_code: 503, headers: { 'Retry-After': ['5'] } }] }],
            automatic_https: { disable: true },
          },
        },
      },
      tls: {
        certificates: { load_pem: [{ certificate: 'CERT', key: 'KEY', tags: ['dom_c'] }] },
        automation: {
          policies: [{ on_demand: true, issuers: [{ module: 'acme', email: 'ops@example.com' }] }],
          on_demand: { permission: { module: 'http', endpoint: 'http://127.0.0.1:4000/ask' } },
        },
      },
      pki: { certificate_authorities: { local: { install_trust: false } } },
    },
  });
  t.end();
});

t.test('Caddy runs with as little right as it takes', (t) => {
  const text = toEdgeProject({ image: 'caddy:2', dir: '/var/lib/longshore/edge', groupId: 7 });
  for (const line of [
    'user: 0:7',
    'network_mode: host',
    'read_only: true',
    '- ALL',
    '- NET_BIND_SERVICE',
    '- no-new-privileges:true',
  ])
    t.match(text, line);
  t.end();
});

t.test('names lead to the containers that answer, in turn; without one to nobody', async (t) => {
  const dir = makeFolder(t, 'targets');
  const targets = new Targets(dir, 'unix//nobody');
  const read = (hostname: string) =>
    [0, 1, 2, 3, 4, 5, 6, 7].map((slot) => readFileSync(join(dir, `${hostname}.${slot}`), 'utf8'));
  await targets.write(['a.example.com', 'b.example.com'], new Map([['a.example.com', ['x:1', 'y:2', 'z:3']]]));
  t.same(read('a.example.com'), ['x:1', 'y:2', 'z:3', 'x:1', 'y:2', 'z:3', 'x:1', 'y:2']);
  t.same(new Set(read('b.example.com')), new Set(['unix//nobody']));
  await targets.write(['a.example.com'], new Map([['a.example.com', ['y:2']]]));
  t.same(new Set(read('a.example.com')), new Set(['y:2']));
  await targets.sweep(['a.example.com']);
  t.equal(readdirSync(dir).length, 8, 'other names are gone');
});
