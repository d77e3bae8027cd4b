// What happens to the control plane, and so to all hosts.
import { cpSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { createIdentity, parseJoinToken } from '#shared/protocol/identity.ts';
import { createNonce } from '#shared/protocol/handshake.ts';
import { CLOSE } from '#shared/protocol/limits.ts';
import { eventually } from '../support/eventually.ts';
import { RawAgent } from '../support/raw-agent.ts';
import type { FleetWorld } from '../support/fleet/world.ts';
import type { Scenario } from './scenario.ts';

/** Beside the real hosts; bench/fleet has the figures of ten thousand. */
const STORM = 200;
const ROLLS = 2;

export const CONTROL: Scenario[] = [
  {
    name: 'F01: kill -9 of control during dispatch: clients that retry get the same job, each ends once',
    site: 'all',
    strike: async ({ t, world }) => {
      const asks = world.sites.map((site) => world.prepareChange(site));
      const first = asks.map((ask) => ask());
      await Promise.any(first);
      await world.control.end('SIGKILL');
      const before = await Promise.allSettled(first);
      await world.startControl();
      const again = await Promise.all(asks.map((ask) => ask()));
      t.strictSame(new Set(again.map(({ status }) => status)), new Set([200]));
      for (const [i, answer] of before.entries()) {
        if (answer.status === 'rejected') continue;
        t.equal(again[i]?.body.deploy_job_id, answer.value.body.deploy_job_id, 'the same job');
      }
      return async () => {
        for (const { body } of again) await world.untilSucceeded(body.deploy_job_id);
      };
    },
  },
  {
    name: 'F08: control is stopped and started again and again: links end with 1012, no job is lost',
    site: 'all',
    strike: async ({ t, world }) => {
      const jobs: string[] = [];
      for (let roll = 0; roll < ROLLS; roll++) {
        const { agent: witness } = await enter(world, await newcomer(world, 1));
        jobs.push(...(await Promise.all(world.sites.map((site) => world.change(site)))));
        t.equal(await world.control.end('SIGTERM'), 0);
        t.equal((await witness.closed).code, CLOSE.restart);
        await world.startControl();
        await Promise.all(world.sites.map((site) => world.untilHostIs(site, 'connected')));
        for (const job of jobs.splice(0)) await world.untilSucceeded(job);
      }
    },
  },
  {
    name: `F22: all hosts and ${STORM} more come back at once, those beyond the limit in turn`,
    site: 'all',
    strike: async ({ t, world }) => {
      const enrol = await newcomer(world, STORM);
      const identities = Array.from({ length: STORM }, () => ({ ...enrol, identity: createIdentity() }));
      const come = async () => {
        const entered = await Promise.all(identities.map((who) => enter(world, who)));
        t.equal(entered.length, STORM);
        return entered;
      };
      const there = await come();
      await world.control.end('SIGKILL');
      await Promise.all(there.map(({ agent }) => agent.closed));
      await world.startControl();
      const back = await come();
      t.strictSame(
        back.map(({ hostId }) => hostId),
        there.map(({ hostId }) => hostId),
      );
      for (const { agent } of back) agent.ws.terminate();
    },
  },
  {
    name: 'F35: control that is put back from an old backup destroys nothing, and goes on after its hosts',
    site: 'all',
    strike: async ({ t, world, site }) => {
      const backup = join(world.dir, 'backup');
      await world.control.end('SIGTERM');
      cpSync(world.controlDir, backup, { recursive: true });
      await world.startControl();
      await world.untilHostIs(site, 'connected');
      const since = await world.create(site.id, 'since');
      await Promise.all(world.sites.map(async (one) => world.untilSucceeded(await world.change(one))));
      await site.oracle.remember('since');
      await world.control.end('SIGKILL');
      rmSync(world.controlDir, { recursive: true });
      cpSync(backup, world.controlDir, { recursive: true });
      await world.startControl();
      return async () => {
        t.equal((await world.api.get(`/api/services/${since}`)).status, 404, 'it does not know what was made since');
        for (const one of world.sites) {
          t.ok((await world.told(one)).some(({ status }) => status === 'control_restored'));
          await world.untilSucceeded(await world.change(one));
        }
      };
    },
  },
  {
    name: 'F40: an agent of another time: versions, fields, questions and events that control does not know',
    site: 'all',
    strike: async ({ t, world }) => {
      const { identity, enrol } = await newcomer(world, 1);
      const agent = new RawAgent(world.url, identity);
      const challenge = await agent.hello({ type: 'hello', versions: [1, 99], nonce: createNonce(), mood: 'curious' });
      t.equal(challenge.version, 1);
      agent.send({ ...agent.proof({ identity, enrol }), mood: 'curious' });
      t.match(JSON.parse(await agent.next()), { type: 'welcome' });
      agent.send({ t: 'req', id: 1, m: 'weather.ask', p: {} });
      t.match(await answerTo(agent, 1), { t: 'err', e: { code: 'unsupported' } });
      const events = [{ seq: 1, body: { kind: 'from.the.future', x: 1 } }];
      agent.send({ t: 'req', id: 2, m: 'events.deliver', p: { events } });
      t.match(await answerTo(agent, 2), { r: { acked: 1 } }, 'it has a place, and the link stands');
      agent.ws.terminate();
    },
  },
];

interface Newcomer {
  identity: ReturnType<typeof createIdentity>;
  enrol: { tokenId: string; secret: string };
}

async function newcomer(world: FleetWorld, uses: number): Promise<Newcomer> {
  const { token } = (await world.api.post<{ token: string }>('/api/hosts/join-tokens', { uses })).body;
  return { identity: createIdentity(), enrol: parseJoinToken(token) };
}

/** As long as it takes: who is turned away comes again, as agents do. */
async function enter(world: FleetWorld, { identity, enrol }: Newcomer): Promise<{ agent: RawAgent; hostId: string }> {
  return eventually(
    async () => {
      const agent = new RawAgent(world.url, identity);
      const { type, hostId } = await agent.enter({ identity, enrol });
      if (type !== 'welcome') throw new Error(`turned away: ${type}`);
      return { agent, hostId: String(hostId) };
    },
    { timeoutMs: 60_000, intervalMs: 500 },
  );
}

/** Control asks a newcomer as well; its questions are passed over. */
async function answerTo(agent: RawAgent, id: number): Promise<unknown> {
  for (;;) {
    const frame = JSON.parse(await agent.next()) as { t?: string; id?: number; type?: string };
    if (frame.type === 'closed' || (['res', 'err'].includes(frame.t ?? '') && frame.id === id)) return frame;
  }
}
