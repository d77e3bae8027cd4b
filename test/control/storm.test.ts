import { request } from 'node:http';
import t, { type Test } from 'tap';
import { newInstanceId } from '#shared/ids.ts';
import { Scope } from '#shared/lifecycle.ts';
import { silentLogger } from '#shared/log.ts';
import { createIdentity, parseJoinToken } from '#shared/protocol/identity.ts';
import { systemClock } from '#shared/time.ts';
import { startLink } from '../../agent/link/session.ts';
import { TURNSTILE_LIMITS } from '../../control/agents/turnstile.ts';
import { loadControlConfig, startControl } from '../../control/main.ts';
import { ADMIN } from '../support/control-world.ts';
import { eventually } from '../support/eventually.ts';
import { freePort } from '../support/free-port.ts';
import { makeFolder } from '../support/folder.ts';
import { hostReport } from '../support/host-report.ts';
import { noHandlers } from '../support/peer-pair.ts';

/** More than have room at once. */
const AGENTS = 300;
const LIMIT = { timeoutMs: 60_000 };

function open(t: Test): Scope {
  const scope = new Scope(silentLogger());
  t.teardown(() => scope.stop());
  return scope;
}

async function start(t: Test, dir: string, port: number) {
  const scope = open(t);
  const config = loadControlConfig(['--data-dir', dir, '--listen', `127.0.0.1:${port}`], {});
  const control = await startControl(config, { clock: systemClock, log: silentLogger() }, scope);
  const connected = () => control.app.hosts.list(ADMIN, { page: 1, perPage: AGENTS }).items.filter(isConnected).length;
  return { control, scope, connected };
}

const isConnected = ({ status }: { status: string }) => status === 'connected';

/** Real links, with nothing behind them. */
function startAgents(t: Test, token: string) {
  const scope = open(t);
  const { url, controlPin, tokenId, secret } = parseJoinToken(token);
  const identities = Array.from({ length: AGENTS }, createIdentity);
  return identities.map((identity, n) =>
    startLink(
      {
        destination: { url, controlPin, enrol: { tokenId, secret } },
        identity,
        instanceId: newInstanceId(),
        describe: () => Promise.resolve(hostReport(`boot-${n}`)),
        handlers: noHandlers(),
        clock: systemClock,
        log: silentLogger(),
        random: Math.random,
      },
      scope,
    ),
  );
}

/** An upgrade; whoever gets it says nothing. Resolves with the status, and Retry-After. */
function dial(t: Test, url: string): Promise<{ status: number; retryAfter: number }> {
  const headers = {
    connection: 'Upgrade',
    upgrade: 'websocket',
    'sec-websocket-version': '13',
    'sec-websocket-key': 'dGhlIHNhbXBsZSBub25jZQ==',
  };
  return new Promise((resolve, reject) => {
    const asked = request(`${url}/agent/v1`, { headers, agent: false });
    asked.on('error', reject);
    asked.on('upgrade', (_answer, socket) => {
      socket.on('error', () => {});
      t.teardown(() => socket.destroy());
      resolve({ status: 101, retryAfter: 0 });
    });
    asked.on('response', (answer) => {
      answer.resume();
      resolve({ status: answer.statusCode ?? 0, retryAfter: Number(answer.headers['retry-after']) });
    });
    asked.end();
  });
}

t.test('F22: past the limit an upgrade gets 503 with Retry-After, and the API answers meanwhile', async (t) => {
  const { control } = await start(t, makeFolder(t, 'control'), 0);
  const { unfinishedPerAddress: room } = TURNSTILE_LIMITS;
  const answers = await Promise.all(Array.from({ length: room + 50 }, () => dial(t, control.url)));
  t.equal(answers.filter(({ status }) => status === 101).length, room);
  const refused = answers.filter(({ status }) => status === 503);
  t.equal(refused.length, 50);
  t.ok(refused.every(({ retryAfter }) => retryAfter >= 1));
  t.equal((await fetch(`${control.url}/healthz`)).status, 200);
});

t.test('F22: hundreds of agents come in, and back when every link is cut, which is no news', async (t) => {
  const { control, connected } = await start(t, makeFolder(t, 'control'), 0);
  const { token } = await control.app.joinTokens.create(ADMIN, { uses: AGENTS });
  const links = startAgents(t, token);
  await eventually(() => connected() === AGENTS, LIMIT);
  const before = links.map(({ current }) => current);
  for (const peer of before) peer?.destroy(1001, 'cut');
  await eventually(() => links.every(({ current }, i) => current && current !== before[i]), LIMIT);
  await eventually(() => connected() === AGENTS, LIMIT);
  t.equal(control.app.incidents.list(ADMIN, { page: 1, perPage: 10 }).total, 0, 'a moment without a link is no news');
});

t.test('F08: a control plane that stops tells each agent when to come back, and all find the next one', async (t) => {
  const [dir, port] = [makeFolder(t, 'control'), await freePort()];
  const first = await start(t, dir, port);
  const { token } = await first.control.app.joinTokens.create(ADMIN, { uses: AGENTS });
  const links = startAgents(t, token);
  await eventually(() => first.connected() === AGENTS, LIMIT);
  const ends: unknown[] = [];
  for (const link of links) link.onDown(({ code, details, retryAfter }) => ends.push({ code, details, retryAfter }));
  await first.scope.stop();
  t.equal(ends.length, AGENTS);
  const end = { code: 'link_closed', details: 'closed with 1012 restart; retry_after=2', retryAfter: 2 };
  t.strictSame(
    ends,
    Array.from({ length: AGENTS }, () => end),
  );
  const second = await start(t, dir, port);
  await eventually(() => second.connected() === AGENTS, LIMIT);
});
