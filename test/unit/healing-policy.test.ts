import t from 'tap';
import { HEALING_LIMITS } from '../../agent/healing/limits.ts';
import { decideHealing, noteGivenUp, noteRestart, reasonOf, type Deed } from '../../agent/healing/policy.ts';
import { afterEngineStart, afterReset, knownOf, NEW_RECORD, toNote, withKnown } from '../../agent/healing/record.ts';
import type { Container } from '../../agent/docker/engine.ts';
import { containerOf } from '../support/agent-core.ts';
import { Random } from '../support/random.ts';

const S = 1_000;
const MINUTE = 60 * S;
const START = 1_700_000_000_000;
const crashed = (over: Partial<Container> = {}) => containerOf({ state: 'exited', exitCode: 1, ...over });

/** A service under the policy alone: time passes, and what it asks for is done at once. */
class Scene {
  now = START;
  record = NEW_RECORD;
  readonly restarts: number[] = [];
  readonly log: string[] = [];

  /** One look; what is to be done is done. */
  look(...containers: Container[]) {
    const facts = { record: this.record, containers, now: this.now, limits: HEALING_LIMITS };
    const { record, deeds, until, dockerTries } = decideHealing(facts);
    this.record = record;
    if (dockerTries.length > 0) this.#say(`Docker restarts ${dockerTries.map(({ name }) => name).join()}`);
    for (const deed of deeds) this.#do(deed);
    return { until, deeds: deeds.map(({ kind, fault }) => `${kind} ${fault.name}: ${fault.what}`) };
  }

  /** What is remembered of a container. */
  known(id = 'c1') {
    return knownOf(this.record, id);
  }

  #do(deed: Deed): void {
    const { id, name } = deed.fault;
    if (deed.kind === 'restart') {
      this.record = noteRestart(this.record, id, this.now, HEALING_LIMITS);
      this.restarts.push(this.now);
      this.#say(`restart ${name}`);
    } else if (deed.kind === 'give_up') {
      const reason = reasonOf(deed.fault, HEALING_LIMITS);
      this.record = noteGivenUp(this.record, id, reason, this.now);
      this.#say(reason);
    } else this.#say(`stop ${name}`);
  }

  /** Looks when the policy wants to, for as long as this; `show` is what Docker lists then. */
  live(forMs: number, show: () => Container[]): void {
    const until = this.now + forMs;
    for (;;) {
      const { deeds, until: wanted } = this.look(...show());
      const next = deeds.length === 0 ? (wanted ?? Infinity) : this.now + 1;
      if (next > until) break;
      this.now = Math.max(this.now + 1, next);
    }
    this.now = until;
  }

  #say(text: string): void {
    this.log.push(`${Math.round((this.now - START) / S)} s: ${text}`);
  }
}

t.test('F42: a container that always exits is restarted after 10, 20, 40, 80 and 160 s, then given up', async (t) => {
  const scene = new Scene();
  scene.live(30 * MINUTE, () => [crashed()]);
  t.strictSame(scene.log, [
    '10 s: restart web-web-1',
    '30 s: restart web-web-1',
    '70 s: restart web-web-1',
    '150 s: restart web-web-1',
    '310 s: restart web-web-1',
    '310 s: Gave up after 5 restarts in 10 minutes: web-web-1 exited with code 1',
  ]);
  t.match(toNote(scene.record), { failureCount: 6, restartCount: 5, lastRestartAt: START + 310 * S + 4 });
  t.not(toNote(scene.record).gaveUpAt, null);
});

t.test('the delay doubles up to five minutes for one that lives a while each time', async (t) => {
  const scene = new Scene();
  const waits: number[] = [];
  for (let i = 0; i < 8; i++) {
    const failedAt = scene.now;
    while (scene.look(crashed()).deeds.length === 0) scene.now += S;
    waits.push((scene.now - failedAt) / S);
    scene.look(containerOf());
    scene.now += 3 * MINUTE;
  }
  t.strictSame(waits, [10, 20, 40, 80, 160, 300, 300, 300]);
});

t.test('after ten minutes without a fault the next failure is a first one, and the counts stay', async (t) => {
  const scene = new Scene();
  scene.live(40 * S, () => [crashed()]);
  const { failureCount, restartCount } = scene.record;
  scene.live(11 * MINUTE, () => [containerOf()]);
  t.match(scene.record, { failureCount, restartCount });
  t.strictSame(scene.known().tries, []);
  t.strictSame(scene.look(crashed()), { until: scene.now + 10 * S, deeds: [] });
});

t.test('five minutes without a fault are not enough', async (t) => {
  const scene = new Scene();
  scene.live(40 * S, () => [crashed()]);
  scene.live(5 * MINUTE, () => [containerOf()]);
  t.strictSame(scene.look(crashed()), { until: scene.now + 40 * S, deeds: [] });
});

t.test(
  'F42: a container that Docker restarts over and over has as long, is then stopped, and stays down',
  async (t) => {
    const scene = new Scene();
    let restartCount = 0;
    const loop = () => [containerOf({ state: 'restarting', exitCode: 1, restartPolicy: 'always', restartCount })];
    for (; scene.known().gaveUp === null && scene.now < START + 20 * MINUTE; scene.now += 10 * S) {
      scene.look(...loop());
      restartCount += 1;
    }
    t.match(scene.log.at(-1), /^\d+ s: Gave up after 5 restarts in 10 minutes: web-web-1 keeps ending with code 1$/);
    t.equal(scene.log.length, 6, 'five tries are told, and the end');
    t.ok(scene.now - START >= 310 * S, 'no sooner than one without a policy');
    t.strictSame(scene.restarts, [], 'nobody but Docker restarts it');
    t.equal(scene.record.restartCount, restartCount - 1);
    t.strictSame(scene.look(...loop()).deeds, ['stop web-web-1: keeps ending with code 1'], 'also when it loops again');
    const stopped = containerOf({ state: 'exited', exitCode: 137, restartPolicy: 'always' });
    t.strictSame(scene.look(stopped).deeds, []);
    scene.live(60 * MINUTE, () => [stopped]);
    t.not(scene.known().gaveUp, null, 'it stays given up, for nobody has started it');
  },
);

t.test('restarts by Docker are counted also when it runs at every look', async (t) => {
  const scene = new Scene();
  scene.look(containerOf({ restartPolicy: 'always' }));
  scene.look(containerOf({ restartPolicy: 'always', restartCount: 3 }));
  t.match(scene.record, { failureCount: 3, restartCount: 3 });
  scene.look(containerOf({ restartPolicy: 'always', restartCount: 1 }), containerOf({ id: 'c2', restartCount: 7 }));
  t.match(scene.record, { restartCount: 4 }, 'Docker begins anew after a start; a new container has no history');
});

t.test('what is given up and runs again by hand is healed again after ten minutes', async (t) => {
  const scene = new Scene();
  scene.live(10 * MINUTE, () => [crashed()]);
  t.not(scene.known().gaveUp, null);
  scene.live(11 * MINUTE, () => [containerOf()]);
  t.equal(scene.known().gaveUp, null);
  t.strictSame(scene.look(crashed()), { until: scene.now + 10 * S, deeds: [] });
});

t.test('what is given up is not restarted, however long it stays down', async (t) => {
  const scene = new Scene();
  scene.live(10 * MINUTE, () => [crashed()]);
  const { restarts } = scene;
  scene.live(48 * 60 * MINUTE, () => [crashed()]);
  t.equal(restarts.length, 5);
});

const ALONE: [string, Partial<Container>][] = [
  ['runs and is healthy', {}],
  ['is starting', { health: 'starting' }],
  ['was never started', { state: 'created', health: 'unknown' }],
  ['has done its work', { state: 'exited', exitCode: 0 }],
  ['is paused', { state: 'paused', health: 'unhealthy' }],
  ['is being removed', { state: 'removing' }],
  ['was stopped by hand and has a restart policy', { state: 'exited', exitCode: 143, restartPolicy: 'unless-stopped' }],
];
for (const [what, over] of ALONE) {
  t.test(`a container that ${what} is left alone`, async (t) => {
    const scene = new Scene();
    t.strictSame(scene.look(containerOf(over)), { until: null, deeds: [] });
    t.equal(scene.record.failureCount, 0);
    t.equal(scene.known().dueAt, null);
  });
}

const FAULTS: [string, Partial<Container>][] = [
  ['is unhealthy', { health: 'unhealthy' }],
  ['is dead', { state: 'dead' }],
  ['exited with code 137', { state: 'exited', exitCode: 137 }],
  ['exited with code 137 (out of memory)', { state: 'exited', exitCode: 137, oomKilled: true }],
  ['exited with code 127', { state: 'exited', exitCode: 127, restartPolicy: 'always' }],
];
for (const [what, over] of FAULTS) {
  t.test(`a container that ${what} is restarted`, async (t) => {
    const scene = new Scene();
    scene.look(containerOf(over));
    scene.now += 10 * S;
    t.strictSame(scene.look(containerOf(over)).deeds, [`restart web-web-1: ${what}`]);
  });
}

t.test('one that was seen to be stopped by hand is left alone until it is started', async (t) => {
  const scene = new Scene();
  scene.record = withKnown(NEW_RECORD, 'c1', { stoppedAt: 2_000 });
  t.strictSame(scene.look(crashed({ exitCode: 137, startedAt: 1_000 })), { until: null, deeds: [] });
  t.strictSame(scene.look(crashed({ exitCode: 137, startedAt: 3_000 })), { until: scene.now + 10 * S, deeds: [] });
});

t.test('one that comes back by itself is not restarted', async (t) => {
  const scene = new Scene();
  scene.look(crashed());
  t.strictSame(scene.look(containerOf()), { until: null, deeds: [] });
  t.equal(scene.known().dueAt, null);
});

t.test('containers that fail one after the other are restarted one after the other, each a failure', async (t) => {
  const scene = new Scene();
  scene.look(crashed(), containerOf({ id: 'c2' }));
  scene.now += 5 * S;
  const both = [crashed(), crashed({ id: 'c2', name: 'web-db-1' })];
  scene.look(...both);
  scene.now += 5 * S;
  t.strictSame(scene.look(...both).deeds, ['restart web-web-1: exited with code 1']);
  t.match(scene.record, { failureCount: 2, restartCount: 1 });
  scene.now += 5 * S;
  t.strictSame(scene.look(containerOf(), both[1] ?? crashed()).deeds, ['restart web-db-1: exited with code 1']);
  t.match(scene.record, { failureCount: 2, restartCount: 2 });
});

t.test('what stands beside a container that was given up is healed on', async (t) => {
  const scene = new Scene();
  const flapping = crashed({ id: 'c2', name: 'web-sidecar-1' });
  scene.live(10 * MINUTE, () => [containerOf(), flapping]);
  t.not(scene.known('c2').gaveUp, null);
  const gaveUpAt = toNote(scene.record).gaveUpAt;
  scene.look(crashed(), flapping);
  scene.now += 10 * S;
  t.strictSame(scene.look(crashed(), flapping).deeds, ['restart web-web-1: exited with code 1']);
  t.strictSame(scene.look(containerOf(), flapping).deeds, []);
  t.equal(toNote(scene.record).gaveUpAt, gaveUpAt, 'the service has one that is given up');
});

t.test('what is remembered of a container goes with it', async (t) => {
  const scene = new Scene();
  scene.live(10 * MINUTE, () => [crashed()]);
  scene.look(containerOf({ id: 'c2' }));
  t.strictSame(Object.keys(scene.record.containers), ['c2']);
  t.match(toNote(scene.record), { restartCount: 5, gaveUpAt: null });
});

t.test('a reset keeps how often it was restarted, and nothing else', async (t) => {
  const scene = new Scene();
  scene.live(10 * MINUTE, () => [crashed()]);
  const { restartCount, lastRestartAt } = scene.record;
  scene.record = afterReset(scene.record);
  t.match(toNote(scene.record), { failureCount: 0, restartCount, lastRestartAt, nextRestartAt: null, gaveUpAt: null });
  t.strictSame(scene.look(crashed()), { until: scene.now + 10 * S, deeds: [] });
});

t.test('what fell with Docker was no failure', async (t) => {
  const scene = new Scene();
  scene.live(5 * S, () => [crashed()]);
  t.equal(scene.record.failureCount, 1);
  scene.record = afterEngineStart(scene.record);
  t.match(toNote(scene.record), { failureCount: 0, nextRestartAt: null });
});

t.test('F36: a clock that is set back by a year holds no restart for a year', async (t) => {
  const scene = new Scene();
  scene.live(100 * S, () => [crashed()]);
  const before = scene.restarts.length;
  scene.now -= 365 * 24 * 60 * MINUTE;
  scene.live(5 * MINUTE, () => [crashed()]);
  t.ok(scene.restarts.length > before);
});

t.test('a service of any history is restarted five times in ten minutes at the most', async (t) => {
  const { restarts: most, windowMs, maxDelayMs, firstDelayMs } = HEALING_LIMITS;
  for (let seed = 1; seed <= 200; seed++) {
    const dice = new Random(seed);
    const random = () => dice.next();
    const scene = new Scene();
    let isUp = true;
    let dockers = 0;
    const failures: number[] = [];
    for (let i = 0; i < 400; i++) {
      scene.now += Math.round(random() * (random() < 0.1 ? 8 * MINUTE : 20 * S));
      if (random() < 0.3) isUp = !isUp;
      if (random() < 0.05) dockers += 1;
      if (!isUp) failures.push(scene.now);
      const { deeds } = scene.look(isUp ? containerOf({ restartCount: dockers }) : crashed({ restartCount: dockers }));
      if (deeds.some((deed) => deed.startsWith('restart'))) isUp = random() < 0.5;
      if (random() < 0.01) {
        scene.record = afterReset(scene.record);
        scene.restarts.splice(0);
      }
      const { dueAt, gaveUp } = scene.known();
      if (dueAt !== null && dueAt - scene.now > maxDelayMs) t.fail(`seed ${seed}: waits too long`);
      if (dueAt !== null && gaveUp) t.fail(`seed ${seed}: restarts what it gave up`);
    }
    for (const [i, at] of scene.restarts.entries()) {
      const within = scene.restarts.slice(i).filter((other) => other < at + windowMs);
      if (within.length > most) t.fail(`seed ${seed}: ${within.length} restarts within the window`);
      const next = scene.restarts[i + 1];
      if (next !== undefined && next - at < firstDelayMs) t.fail(`seed ${seed}: no pause between restarts`);
    }
  }
  t.pass('200 histories of 400 looks');
});
