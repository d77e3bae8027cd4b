// When a service takes newer images by itself, and why it does not.
import t from 'tap';
import type { ImageCheck } from '#shared/image-updates.ts';
import {
  decideUpdate,
  isItsTurn,
  newestDigests,
  requireUpdatable,
  type UpdateFacts,
} from '../../control/app/updates/decide.ts';

const NOW = Date.parse('2026-01-15T03:00:00Z');
const WINDOW = { start: '02:00', durationMinutes: 120, timeZone: 'UTC' };

const check = (image: string, state: ImageCheck['state'], newestDigest: string | null = 'sha256:2'): ImageCheck => ({
  service: 'web',
  image,
  state,
  currentDigest: 'sha256:1',
  newestDigest,
  reason: null,
});

const facts = (more: {
  service?: Partial<UpdateFacts['service']>;
  updates?: Partial<UpdateFacts['updates']>;
  goodRevision?: number;
  isBusy?: boolean;
  now?: number;
}): UpdateFacts => ({
  service: {
    id: 'svc_one',
    autoUpdate: { window: WINDOW },
    lifecycle: 'running',
    isEnabled: true,
    setId: null,
    ...more.service,
  },
  updates: { images: [check('nginx:1', 'newer')], held: {}, heldRevision: null, ...more.updates },
  goodRevision: more.goodRevision ?? 1,
  isBusy: more.isBusy ?? false,
  now: more.now ?? NOW,
});

const decide = (more: Parameters<typeof facts>[0]) => {
  const decision = decideUpdate(facts(more));
  return decision.act === 'update' ? 'update' : decision.why;
};

t.test('a newer image is taken in the window, and nothing else is', async (t) => {
  t.equal(decide({}), 'update');
  const reasons: [more: Parameters<typeof facts>[0], why: RegExp][] = [
    [{ service: { autoUpdate: null } }, /nobody has asked/],
    [{ service: { setId: 'set_a' } }, /member of a set/],
    [{ service: { lifecycle: 'stopped' } }, /does not run/],
    [{ service: { lifecycle: 'failed' } }, /does not run/],
    [{ service: { isEnabled: false } }, /does not run/],
    [{ isBusy: true }, /a job is under way/],
    [{ updates: { images: [check('nginx:1', 'current'), check('redis:7', 'unknown', null)] } }, /no newer image/],
    [{ updates: { images: [] } }, /no newer image/],
    [{ now: Date.parse('2026-01-15T05:00:00Z') }, /window is closed/],
  ];
  for (const [more, why] of reasons) t.match(decide(more), why);
});

t.test('what was tried is not tried again, until it is newer still or somebody deploys', async (t) => {
  const tried = { held: { 'nginx:1': 'sha256:2' }, heldRevision: 4 };
  t.match(decide({ updates: tried, goodRevision: 3 }), /tried before/, 'it failed');
  t.match(decide({ updates: tried, goodRevision: 4 }), /tried before/, 'it was rolled back to that');
  t.equal(decide({ updates: tried, goodRevision: 5 }), 'update', 'somebody has changed the service since');
  const newer = { ...tried, images: [check('nginx:1', 'newer', 'sha256:3')] };
  t.equal(decide({ updates: newer, goodRevision: 3 }), 'update');
  const another = { ...tried, images: [check('nginx:1', 'newer'), check('redis:7', 'newer', 'sha256:9')] };
  t.equal(decide({ updates: another, goodRevision: 3 }), 'update', 'together with another image it may be well');
  const lost = { held: { 'nginx:1': 'sha256:2', 'redis:7': 'sha256:9' }, heldRevision: 4 };
  const less = { ...lost, images: [check('nginx:1', 'newer'), check('redis:7', 'unknown', null)] };
  t.match(decide({ updates: less, goodRevision: 3 }), /tried before/, 'a registry that is away makes nothing new');
});

t.test('services of one window begin one after another, each at its own time', async (t) => {
  const opens = Date.parse('2026-01-15T02:00:00Z');
  const ids = Array.from({ length: 200 }, (_, n) => `svc_${n}`);
  const begun = (minutes: number) => ids.filter((id) => isItsTurn(id, WINDOW, opens + minutes * 60_000)).length;
  t.equal(begun(-1), 0);
  t.ok(begun(1) < 30, 'few at once');
  t.ok(begun(15) > 50 && begun(15) < 150);
  t.equal(begun(30), 200, 'all within half an hour');
  const short = { ...WINDOW, durationMinutes: 20 };
  t.equal(ids.filter((id) => isItsTurn(id, short, opens + 10 * 60_000)).length, 200, 'or half the window');
});

t.test('what is known of the newest images', async (t) => {
  const images = [check('a:1', 'current'), check('b:1', 'newer', 'sha256:3'), check('c:1', 'unknown', null)];
  t.same(newestDigests(images), { 'a:1': 'sha256:2', 'b:1': 'sha256:3' });
});

t.test('a repository would bring newer commits, too', async (t) => {
  t.throws(() => requireUpdatable('git', { window: WINDOW }), { code: 'validation_error' });
  t.doesNotThrow(() => requireUpdatable('git', null));
  t.doesNotThrow(() => requireUpdatable('template', { window: WINDOW }));
});
