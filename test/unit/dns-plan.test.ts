// Which names change in DNS, and when.
import t from 'tap';
import { addressesOf } from '../../control/app/domains/addresses.ts';
import { findZone, planNames, type DnsFacts, type WantedName } from '../../control/app/dns/plan.ts';
import { retryDelayMs } from '../../control/app/dns/retry.ts';
import type { DnsNameRecord } from '../../control/store/dns.ts';
import { FACTS } from '../support/fake-records.ts';

const NOW = 1000;
const ZONES = [
  { id: 'zone_1', name: 'example.com' },
  { id: 'zone_2', name: 'apps.example.com' },
];

const wanted = (hostname: string, addresses = ['192.0.2.1'], serviceId = 'svc_1'): WantedName => {
  return { hostname, addresses, serviceId, hostId: 'host_1' };
};

const had = (hostname: string, given: Partial<DnsNameRecord> = {}): DnsNameRecord => ({
  ...wanted(hostname),
  addresses: ['192.0.2.1'],
  zoneId: 'zone_2',
  state: 'present',
  tries: 0,
  dueAt: null,
  error: null,
  updatedAt: 1,
  ...given,
});

const plan = (facts: Partial<DnsFacts>): string[] =>
  planNames({ zones: ZONES, wanted: [], had: [], now: NOW, ...facts }).map(
    ({ hostname, zoneId, state, addresses, dueAt }) =>
      `${hostname} in ${zoneId}: ${state} ${addresses.join('+')} at ${dueAt}`,
  );

t.test('a new name goes into the nearest zone; one without a zone is left to its owner', (t) => {
  const names = [wanted('web.apps.example.com'), wanted('example.com'), wanted('shop.example.org')];
  t.same(plan({ wanted: names }), [
    'example.com in zone_1: pending 192.0.2.1 at 1000',
    'web.apps.example.com in zone_2: pending 192.0.2.1 at 1000',
  ]);
  t.equal(findZone(ZONES, 'notexample.com'), undefined);
  t.end();
});

t.test('what is written, or being tried, is left alone', (t) => {
  const web = 'web.apps.example.com';
  t.same(plan({ wanted: [wanted(web)], had: [had(web)] }), []);
  t.same(plan({ wanted: [wanted(web)], had: [had(web, { state: 'pending', tries: 3, dueAt: 5000 })] }), []);
  const two = ['192.0.2.1', '192.0.2.2'];
  t.same(plan({ wanted: [wanted(web, two)], had: [had(web, { addresses: two.toReversed() })] }), [], 'in any order');
  t.end();
});

t.test('other addresses, another service, or a name that comes back are written at once', (t) => {
  const web = 'web.apps.example.com';
  const written = ['web.apps.example.com in zone_2: pending 192.0.2.1 at 1000'];
  t.same(plan({ wanted: [wanted(web)], had: [had(web, { addresses: ['192.0.2.9'] })] }), written);
  t.same(plan({ wanted: [wanted(web)], had: [had(web, { serviceId: 'svc_2' })] }), written);
  t.same(plan({ wanted: [wanted(web)], had: [had(web, { state: 'removing', tries: 5 })] }), written);
  t.end();
});

t.test('a name that nobody wants is taken away, once', (t) => {
  const web = 'web.apps.example.com';
  t.same(plan({ had: [had(web)] }), ['web.apps.example.com in zone_2: removing 192.0.2.1 at 1000']);
  t.same(
    plan({ had: [had(web, { state: 'pending' })] }).length,
    1,
    'it may have been written before the answer was lost',
  );
  t.same(plan({ had: [had(web, { state: 'removing', dueAt: 9000 })] }), []);
  t.end();
});

t.test('a zone that comes later does not move what lies in another', (t) => {
  const web = 'web.apps.example.com';
  const moved = plan({ wanted: [wanted(web, ['192.0.2.7'])], had: [had(web, { zoneId: 'zone_1' })] });
  t.same(moved, ['web.apps.example.com in zone_1: pending 192.0.2.7 at 1000']);
  t.end();
});

t.test('names lead to the addresses that were set, else to the public ones of the host', (t) => {
  const facts = { ...FACTS, addresses: ['10.0.0.5', '8.8.8.8', '127.0.0.1', '2a00:1450::1', 'fe80::1'] };
  const record = {
    hostId: 'host_1',
    edge: null,
    baseDomain: null,
    revision: 0,
    digest: null,
    status: null,
    updatedAt: 0,
  };
  t.same(addressesOf({ facts, record: undefined }), ['8.8.8.8', '2a00:1450::1']);
  t.same(addressesOf({ facts, record: { ...record, addresses: [] } }), ['8.8.8.8', '2a00:1450::1']);
  t.same(addressesOf({ facts, record: { ...record, addresses: ['10.0.0.5'] } }), ['10.0.0.5']);
  t.same(addressesOf({ facts: null, record: undefined }), []);
  t.end();
});

t.test('tries come less and less often, but for ever', (t) => {
  t.same([1, 2, 3, 9, 10, 1000].map(retryDelayMs), [10_000, 20_000, 40_000, 2_560_000, 3_600_000, 3_600_000]);
  t.end();
});
