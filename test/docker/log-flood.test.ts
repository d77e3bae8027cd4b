// A flood from a real container through both sides: the agent's streamer, the protocol, control's hub and its viewers.
import t, { type Test } from 'tap';
import { SINGLE, type Message } from '../../control/realtime/log-format.ts';
import { LogHub } from '../../control/realtime/log-hub.ts';
import { LogQueue, MAX_QUEUE_BYTES } from '../../control/realtime/log-queue.ts';
import { LogViewer } from '../../control/realtime/log-viewer.ts';
import { silentLogger } from '#shared/log.ts';
import type { Handlers } from '#shared/protocol/peer-types.ts';
import { systemClock } from '#shared/time.ts';
import { docker, ensureImages, requireDocker, uniqueProject } from '../support/docker.ts';
import { eventually } from '../support/eventually.ts';
import { runContainer, startStreamer } from '../support/log-host.ts';
import { peerPair } from '../support/peer-pair.ts';

const LINES = 120_000;
/** The flood, one long line, one of binary, and the last. */
const WRITTEN = LINES + 3;
const LONG_BYTES = 10_000_000;
/** What a line is at least, on its way: more of them than this a stuck viewer cannot have held back. */
const LINE_BYTES = 100;
const WINDOW_BYTES = 256 * 1024;

const untilTold = (file: string) => `until [ -e ${file} ]; do sleep 0.02; done`;
const BURST = [
  untilTold('/go'),
  `head -c ${LONG_BYTES} /dev/zero | tr '\\0' y; echo`,
  "head -c 1000000 /dev/urandom | tr '\\n' x; echo",
  `yes 'one line of many' | head -n ${LINES}; echo end`,
  untilTold('/on'),
  'yes and on and on',
].join('; ');
const TICKS = 'i=0; while :; do i=$((i+1)); echo $i; sleep 0.05; done';

/** Counts what it is sent; when it is stuck it takes nothing more. */
class Counter {
  delivered = 0;
  missed = 0;
  /** Messages that no ordinary line makes. */
  readonly long: string[] = [];
  isStuck = false;
  readonly #pending: (() => void)[] = [];
  readonly viewer: LogViewer;

  constructor(queueBytes?: number) {
    const send = (messages: readonly Message[], done: () => void) => {
      for (const message of messages) this.#take(message);
      if (this.isStuck) this.#pending.push(done);
      else setImmediate(done);
    };
    this.viewer = new LogViewer({ send }, SINGLE, new LogQueue(queueBytes));
  }

  get known(): number {
    return this.delivered + this.missed;
  }

  recover(): void {
    this.isStuck = false;
    for (const done of this.#pending.splice(0)) done();
  }

  #take(message: Message): void {
    if (typeof message === 'string') this.missed += (JSON.parse(message) as { missed: number }).missed;
    else this.delivered += 1;
    if (message.length < 1000) return;
    this.long.push((JSON.parse(Buffer.from(message as Uint8Array).toString('utf8')) as { message: string }).message);
  }
}

/** Control's hub, linked to a host with these projects. */
function startHub(t: Test, projects: Record<string, string>): LogHub {
  const streamers = new Map(Object.entries(projects).map(([id, project]) => [id, startStreamer(t, project)]));
  const logs: Handlers['streams']['logs'] = async (params, writer, opened) =>
    streamers.get(params.serviceId)?.({ ...params, serviceId: 'svc_test' }, writer, opened);
  const { near } = peerPair({ streams: { logs } });
  const hub = new LogHub({
    openLogs: (serviceId, params) => near.openStream('logs', { serviceId, ...params }),
    onHostUp: () => () => undefined,
    clock: systemClock,
    log: silentLogger(),
  });
  t.teardown(() => hub.close());
  return hub;
}

t.test(
  'F43: ten follow a flood: what comes and what is missed is what was written, and other tails go on',
  async (t) => {
    if (!(await requireDocker(t))) return;
    await ensureImages();
    const projects = { svc_loud: uniqueProject(t, 'loud'), svc_quiet: uniqueProject(t, 'quiet') };
    const loud = await runContainer({ project: projects.svc_loud, service: 'web', script: BURST });
    await runContainer({ project: projects.svc_quiet, service: 'web', script: TICKS });
    const hub = startHub(t, projects);
    const patient = new Counter(Number.POSITIVE_INFINITY);
    const stuck = new Counter();
    stuck.isStuck = true;
    const followers = [patient, stuck, ...Array.from({ length: 8 }, () => new Counter())];
    for (const { viewer } of followers) await hub.join('svc_loud', viewer, { tail: 0, since: null });
    const other = new Counter();
    await hub.join('svc_quiet', other.viewer, { tail: 0, since: null });

    await docker(['exec', loud, 'touch', '/go']);
    await eventually(() => patient.delivered === WRITTEN, { timeoutMs: 60_000 });
    t.equal(patient.missed, 0);
    const [text, binary] = patient.long;
    t.equal(patient.long.length, 2);
    t.equal(text, `${'y'.repeat(16_384)}… [cut, ${LONG_BYTES - 16_384} bytes more]`);
    t.match(binary, /… \[cut, \d+ bytes more\]$/);
    stuck.recover();
    for (const one of followers) await eventually(() => one.known === WRITTEN, { timeoutMs: 30_000 });
    t.ok(stuck.missed > 0, 'a stuck one loses lines');
    t.ok(stuck.delivered < (MAX_QUEUE_BYTES + WINDOW_BYTES) / LINE_BYTES, 'and holds back no more than its queue');

    await docker(['exec', loud, 'touch', '/on']);
    await eventually(() => patient.delivered > WRITTEN + 1000, { timeoutMs: 30_000 });
    const before = other.delivered;
    await eventually(() => other.delivered >= before + 5, { timeoutMs: 20_000 });
    await docker(['kill', loud]);
    t.equal(other.missed, 0);
  },
);
