import t from 'tap';
import {
  checkChallenge,
  createChallenge,
  createNonce,
  isSignedBy,
  negotiateVersion,
  proveSecret,
  provesSecret,
  readMessage,
  signTranscript,
  transcriptOf,
  typeOf,
} from '#shared/protocol/handshake.ts';
import { createIdentity, createJoinSecret, hashJoinSecret } from '#shared/protocol/identity.ts';
import { faultCode } from '../support/fault-code.ts';

const [control, agent] = [createIdentity(), createIdentity()];
const helloText = JSON.stringify({ type: 'hello', versions: [1], nonce: createNonce() });
const challenge = createChallenge(control, helloText, 1);
const transcript = transcriptOf(helloText, JSON.stringify(challenge));

t.test('the agent accepts the pinned key over its own hello', async (t) => {
  await t.resolves(checkChallenge(challenge, helloText, control.pin));
});

t.test('A34: the agent refuses another key, another hello, another nonce, a foreign signature', async (t) => {
  const imposter = createIdentity();
  const refused = async (name: string, fault: typeof challenge, hello = helloText) =>
    t.equal(await faultCode(checkChallenge(fault, hello, control.pin)), 'handshake_failed', name);
  await refused('another key', createChallenge(imposter, helloText, 1));
  await refused('the pinned key with the signature of another', {
    ...createChallenge(imposter, helloText, 1),
    controlKey: control.publicKey,
  });
  await refused('a replay for another hello', challenge, helloText.replace('[1]', '[2]'));
  await refused('another nonce', { ...challenge, nonce: createNonce() });
});

t.test('the agent signs all that was said', async (t) => {
  const signature = signTranscript(agent, transcript);
  t.ok(await isSignedBy(agent.publicKey, transcript, signature));
  const lowered = transcriptOf(helloText, JSON.stringify({ ...challenge, version: 0 }));
  t.notOk(await isSignedBy(agent.publicKey, lowered, signature), 'a version lowered on the way shows');
  t.notOk(await isSignedBy(control.publicKey, transcript, signature));
});

t.test('a signature of one side is no signature of the other', async (t) => {
  t.notOk(await isSignedBy(control.publicKey, transcript, challenge.signature));
});

t.test('bytes can not move from the hello to the challenge', (t) => {
  t.notOk(transcriptOf('ab', 'c').equals(transcriptOf('a', 'bc')));
  t.end();
});

t.test('the secret is proven by its hash, for one connection and one key', (t) => {
  const secret = createJoinSecret();
  const hash = hashJoinSecret(secret);
  const mac = proveSecret(secret, transcript, agent.publicKey);
  t.notMatch(mac, secret);
  t.ok(provesSecret(mac, hash, transcript, agent.publicKey));
  t.notOk(provesSecret(mac, hashJoinSecret(createJoinSecret()), transcript, agent.publicKey), 'another secret');
  t.notOk(provesSecret(mac, hash, transcriptOf(helloText, ''), agent.publicKey), 'another connection');
  t.notOk(provesSecret(mac, hash, transcript, control.publicKey), 'another key');
  t.notOk(provesSecret('', hash, transcript, agent.publicKey), 'nothing');
  t.end();
});

t.test('F40: the highest common version is taken', (t) => {
  t.equal(negotiateVersion([1], [2, 1]), 1);
  t.equal(negotiateVersion([3, 2, 1], [2, 1]), 2);
  t.equal(negotiateVersion([1, 2], [1, 2]), 2, 'in whatever order they are listed');
  t.equal(negotiateVersion([1], [3, 2]), undefined);
  t.equal(negotiateVersion([4], [3, 2]), undefined);
  t.end();
});

t.test('a message is read by its schema: unknown fields go, wrong ones are a violation', (t) => {
  const nonce = createNonce();
  t.strictSame(readMessage('hello', JSON.stringify({ type: 'hello', versions: [1], nonce, later: 1 })), {
    type: 'hello',
    versions: [1],
    nonce,
  });
  for (const text of ['', 'null', '[]', '{"type":"hello","versions":[],"nonce":"AA"}', JSON.stringify(challenge)]) {
    t.throws(() => readMessage('hello', text), { code: 'protocol_violation' }, text.slice(0, 20));
  }
  t.end();
});

t.test('the type of a frame can be asked before it is trusted', (t) => {
  t.equal(typeOf('{"type":"refusal"}'), 'refusal');
  for (const text of ['', 'null', '7', '{}']) t.equal(typeOf(text), undefined, text);
  t.end();
});
