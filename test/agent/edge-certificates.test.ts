// Which certificates a host looks for, and when; and those that Caddy does not take.
import t from 'tap';
import { LongshoreError } from '#shared/errors.ts';
import type { EdgeState } from '#shared/protocol/edge-parts.ts';
import { Certificates } from '../../agent/ingress/certificates.ts';
import { Flaws } from '../../agent/ingress/flaws.ts';
import { fitNames, toNameStatus, type NameFacts } from '../../agent/ingress/status.ts';
import type { HeldCertificate } from '../../agent/ingress/wake.ts';
import { ManualClock } from '../support/manual-clock.ts';

const HELD: HeldCertificate = { issuer: 'CN=R3', notAfter: 4_000_000_000_000 };
const A = 'a.example.com';
const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;

function start(shown: Map<string, HeldCertificate>, refused = new Set<string>()) {
  const clock = new ManualClock(0);
  const looks: string[] = [];
  const look = (hostname: string) => {
    looks.push(hostname);
    return Promise.resolve(shown.get(hostname));
  };
  const certificates = new Certificates({ look, isRefused: (hostname) => refused.has(hostname), clock });
  const round = (...hostnames: string[]) => certificates.look(hostnames, new AbortController().signal);
  /** How often it is looked within a time, by rounds every half minute. */
  const countDuring = async (ms: number) => {
    looks.length = 0;
    for (let left = ms; left > 0; left -= 30_000) {
      clock.advance(30_000);
      await round(A);
    }
    return looks.length;
  };
  return { clock, certificates, round, countDuring };
}

t.test('a certificate that is there is looked at once an hour', async (t) => {
  const { certificates, round, countDuring } = start(new Map([[A, HELD]]));
  t.equal(await round(A), true, 'news');
  t.same(certificates.find(A), HELD);
  t.equal(await countDuring(4 * HOUR_MS), 4);
  t.equal(await round(A), false, 'no news');
});

t.test('a missing one is looked for less and less often, so that an authority does not turn us away', async (t) => {
  const { certificates, round, countDuring } = start(new Map());
  t.equal(certificates.isMissing(A), false, 'nobody has looked');
  await round(A);
  t.equal(certificates.isMissing(A), true);
  t.ok((await countDuring(HOUR_MS)) < 8);
  t.ok((await countDuring(HOUR_MS)) <= 3);
});

t.test('one that the control plane does not allow is looked for more often: no authority is asked', async (t) => {
  const { round, countDuring } = start(new Map(), new Set([A]));
  await round(A);
  await countDuring(HOUR_MS);
  t.equal(await countDuring(HOUR_MS), 30);
});

t.test('one that was there stays in sight while Caddy does not answer, until its end', async (t) => {
  const shown = new Map([[A, { ...HELD, notAfter: 2 * HOUR_MS }]]);
  const { certificates, round, countDuring } = start(shown);
  await round(A);
  shown.clear();
  await countDuring(HOUR_MS);
  t.ok(certificates.find(A));
  await countDuring(2 * HOUR_MS);
  t.equal(certificates.find(A), undefined);
});

t.test('a renewed one is news; a name that has gone is forgotten', async (t) => {
  const shown = new Map([[A, HELD]]);
  const { clock, certificates, round } = start(shown);
  await round(A);
  shown.set(A, { ...HELD, notAfter: HELD.notAfter + 1 });
  clock.advance(HOUR_MS);
  t.equal(await round(A), true);
  await round();
  t.equal(certificates.find(A), undefined);
});

const routeOf = (hostname: string, certificateId: string | null = null): EdgeState['routes'][number] => {
  return { hostname, serviceId: 'svc_1', service: null, port: null, redirectTo: null, certificateId };
};
const STATE: EdgeState = {
  revision: 1,
  edge: 'caddy',
  issuer: { kind: 'internal' },
  routes: [routeOf(A), routeOf('b.example.com', 'dom_b'), routeOf('c.example.com', 'dom_c')],
  certificates: [
    { id: 'dom_b', certificate: 'B', key: 'KEY' },
    { id: 'dom_c', certificate: 'C', key: 'KEY' },
  ],
};
const refusedBy = (details: string) => new LongshoreError('apply_failed', { message: 'Caddy refused', details });

t.test('a certificate that Caddy does not take is left out, until there is another', (t) => {
  const flaws = new Flaws();
  t.equal(flaws.leaveOut(STATE), STATE);
  t.equal(flaws.learn(STATE, refusedBy('loading certificates: PEM pair 1: x509: negative serial number"}')), true);
  t.equal(flaws.find('dom_c'), 'x509: negative serial number');
  const left = flaws.leaveOut(STATE);
  t.same(left.certificates, [STATE.certificates[0]]);
  t.same(left.routes, [routeOf(A), routeOf('b.example.com', 'dom_b'), routeOf('c.example.com')]);
  t.equal(flaws.learn(left, refusedBy('PEM pair 0: no')), true, 'counted in what was tried');
  t.same(flaws.leaveOut(STATE).certificates, []);
  const mended = { ...STATE, certificates: STATE.certificates.map((pair) => ({ ...pair, certificate: 'NEW' })) };
  t.equal(flaws.leaveOut(mended), mended);
  t.equal(flaws.find('dom_c'), undefined);
  t.end();
});

t.test('an error about something else is no flaw of a certificate', (t) => {
  const flaws = new Flaws();
  for (const details of ['listening on :443: address already in use', 'PEM pair 7: no', 'PEM pair x']) {
    t.equal(flaws.learn(STATE, refusedBy(details)), false, details);
  }
  t.equal(flaws.learn(STATE, new TypeError('no')), false);
  t.end();
});

const FACTS: NameFacts = {
  route: routeOf(A),
  fault: undefined,
  flaw: undefined,
  held: undefined,
  refusal: undefined,
  isMissing: false,
  project: 'longshore-edge',
};

t.test('what is told of a name', (t) => {
  const certificateOf = (given: Partial<NameFacts>) => toNameStatus({ ...FACTS, ...given }).certificate;
  t.match(certificateOf({}), { state: 'pending', error: null });
  t.match(certificateOf({ held: HELD }), { state: 'issued', ...HELD });
  t.match(certificateOf({ refusal: 'DNS' }), { state: 'pending', error: 'DNS' });
  t.match(certificateOf({ isMissing: true }), { state: 'failed', error: /docker logs longshore-edge-caddy-1/ });
  t.match(certificateOf({ route: routeOf(A, 'dom_a') }), { state: 'issued' });
  t.match(certificateOf({ route: routeOf(A, 'dom_a'), flaw: 'no' }), { state: 'failed', error: 'no' });
  t.equal(certificateOf({ refusal: 'x'.repeat(5000) }).error?.length, 1024);
  t.end();
});

t.test('it fits into one message, and names that are well are left out first', (t) => {
  const well = Array.from({ length: 20_000 }, (_, i) => {
    return toNameStatus({ ...FACTS, route: routeOf(`${i}.example.com`), held: HELD });
  });
  const ill = toNameStatus({ ...FACTS, route: routeOf('ill.example.com'), isMissing: true });
  const names = fitNames([...well, ill]);
  t.ok(Buffer.byteLength(JSON.stringify(names)) < 800 * 1024);
  t.ok(names.length > 1000);
  t.ok(names.includes(ill));
  t.same(fitNames([ill]), [ill]);
  t.end();
});
