import t from 'tap';
import { EVENT_TYPES, Subscription } from '../../control/realtime/subscription.ts';

t.test('a new subscription wants all news of all services', async (t) => {
  const subscription = new Subscription();
  for (const type of EVENT_TYPES) t.ok(subscription.wants(type, 'svc_a'), type);
  t.ok(subscription.wants('host.status', undefined));
});

t.test('the first choice replaces the default, the next ones add to it', async (t) => {
  const subscription = new Subscription();
  subscription.add(['deploy.progress'], ['svc_a']);
  t.ok(subscription.wants('deploy.progress', 'svc_a'));
  t.notOk(subscription.wants('deploy.progress', 'svc_b'));
  t.notOk(subscription.wants('service.status', 'svc_a'));
  subscription.add(['service.status'], undefined);
  t.ok(subscription.wants('service.status', 'svc_b'));
  t.ok(subscription.wants('deploy.progress', 'svc_a'));
});

t.test('what is taken away from the default leaves the rest', async (t) => {
  const subscription = new Subscription();
  subscription.remove(['host.status'], undefined);
  t.notOk(subscription.wants('host.status', undefined));
  t.ok(subscription.wants('deploy.progress', 'svc_a'));
  subscription.add(['health.changed'], ['svc_a']);
  t.ok(subscription.wants('deploy.progress', 'svc_b'), 'a choice was made already: this one adds');
});

t.test('one service is taken away, the others stay', async (t) => {
  const subscription = new Subscription();
  subscription.add(['deploy.progress'], ['svc_a', 'svc_b']);
  subscription.remove(['deploy.progress'], ['svc_a']);
  t.notOk(subscription.wants('deploy.progress', 'svc_a'));
  t.ok(subscription.wants('deploy.progress', 'svc_b'));
});

t.test('there is an end to what one socket may list', async (t) => {
  const subscription = new Subscription();
  const ids = (from: number) => Array.from({ length: 500 }, (_, i) => `svc_${from + i}`);
  t.ok(subscription.add(['deploy.progress'], ids(0)));
  t.ok(subscription.add(['deploy.progress'], ids(500)));
  t.notOk(subscription.add(['deploy.progress'], ['svc_more']));
  t.notOk(subscription.wants('deploy.progress', 'svc_more'));
});
