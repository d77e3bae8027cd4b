// The way of a question from a job to control, over a link that comes and goes.
import { setImmediate } from 'node:timers/promises';
import t, { type Test } from 'tap';
import { LongshoreError } from '#shared/errors.ts';
import { silentLogger } from '#shared/log.ts';
import type { AiProposal, AiQuestion } from '#shared/protocol/ai-parts.ts';
import type { Handlers, Peer } from '#shared/protocol/peer-types.ts';
import { createPeer } from '#shared/protocol/peer.ts';
import { createAskAi } from '../../agent/link/ask-ai.ts';
import { eventually } from '../support/eventually.ts';
import { ManualClock } from '../support/manual-clock.ts';
import { socketPair } from '../support/socket-pair.ts';

const QUESTION: AiQuestion = {
  jobId: 'job_1',
  repository: { files: [], fileCount: 0, texts: [] },
  variables: [],
  previous: null,
};
const PROPOSAL: AiProposal = {
  compose: 'services: {}',
  dockerfile: null,
  variables: [],
  port: null,
  healthPath: null,
  reasons: [],
};

type Answer = NonNullable<Handlers['requests']['ai.propose']>;

/** Both ends of a link, the far one answering so; without an answer it knows no such question. */
function link(answer?: Answer): { near: Peer; far: Peer } {
  const [a, b] = socketPair();
  const options = { clock: new ManualClock(), log: silentLogger() };
  const requests = answer ? { 'ai.propose': answer } : {};
  const far = createPeer({ ...options, socket: b, handlers: { requests, notifications: {}, streams: {} } });
  const near = createPeer({ ...options, socket: a, handlers: { requests: {}, notifications: {}, streams: {} } });
  return { near, far };
}

function start(t: Test, peer?: Peer) {
  const clock = new ManualClock();
  const links = { current: peer };
  const ask = createAskAi({ findPeer: () => links.current, clock });
  const abort = new AbortController();
  t.teardown(() => abort.abort());
  return { clock, links, abort, ask: () => ask(QUESTION, abort.signal) };
}

t.test('a proposal, none, and a refusal come back as control says', async (t) => {
  t.strictSame(await start(t, link(async () => ({ proposal: PROPOSAL })).near).ask(), PROPOSAL);
  t.equal(await start(t, link(async () => ({ proposal: null })).near).ask(), null);
  const refusing = link(async () => {
    throw new LongshoreError('ai_failed', { details: 'It refused' });
  });
  await t.rejects(start(t, refusing.near).ask(), { code: 'ai_failed', details: 'It refused' });
});

t.test('an older control plane has no AI', async (t) => {
  t.equal(await start(t, link().near).ask(), null);
});

t.test('an answer that is larger than it may be is none', async (t) => {
  const proposal = { ...PROPOSAL, compose: '#'.repeat(70_000) };
  await t.rejects(start(t, link(async () => ({ proposal })).near).ask(), { code: 'protocol_violation' });
});

t.test('a link that breaks while the model thinks is waited for, and the question asked again', async (t) => {
  const arrived = Promise.withResolvers<void>();
  const first = link(() => {
    arrived.resolve();
    return new Promise(() => undefined);
  });
  const { ask, links, clock } = start(t, first.near);
  const asking = ask();
  await arrived.promise;
  links.current = undefined;
  first.near.destroy(1001, 'gone');
  await eventually(() => clock.pending === 1);
  links.current = link(async () => ({ proposal: PROPOSAL })).near;
  clock.advance(1_000);
  t.strictSame(await asking, PROPOSAL);
});

t.test('a control plane that stays away ends the wait', async (t) => {
  const { ask, clock } = start(t);
  const asking = t.rejects(ask(), { code: 'ai_unavailable' });
  for (let second = 0; second < 120; second++) {
    await setImmediate(); // it looks for a link, and sleeps
    clock.advance(1_000);
  }
  await asking;
});

t.test('a job that is called off asks no longer', async (t) => {
  const { ask, abort } = start(t);
  const asking = ask();
  abort.abort(new Error('called off'));
  await t.rejects(asking, /called off/);
});
