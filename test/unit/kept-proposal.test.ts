// Proposals that are kept with their commit: what a plan leaves beside the services, and what a deploy takes from it.
import { readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import type { ServiceSpec } from '#shared/model.ts';
import type { AiProposal } from '#shared/protocol/ai-parts.ts';
import { deployedProposals, plannedProposals } from '../../agent/deploy/ai/kept-proposal.ts';
import { Workspace } from '../../agent/deploy/workspace.ts';
import { specFor } from '../support/deploy-host.ts';

const git = { url: 'https://example.com/x.git', branch: null };
const proposal: AiProposal = {
  compose: 'services: {}',
  dockerfile: null,
  variables: [],
  port: null,
  healthPath: null,
  reasons: [],
};

const subjectIn = (dataDir: string, spec: Partial<ServiceSpec> = {}) => {
  const whole = specFor('shop', { method: 'ai', git, ...spec });
  return { dataDir, spec: whole, workspace: new Workspace(dataDir, whole.name) };
};

t.test('a deploy takes what was planned for its commit, and keeps it', async (t) => {
  const subject = subjectIn(t.testdir());
  const planned = plannedProposals(subject);
  await planned.keep({ commit: 'a', proposal });
  t.strictSame(readdirSync(subject.dataDir), ['proposals'], "the service's folder is as it was");
  const deployed = deployedProposals(subject);
  t.equal(await deployed.find('b'), undefined);
  t.strictSame(await deployed.find('a'), proposal);
  await planned.keep({ commit: 'b', proposal: { ...proposal, port: 80 } });
  t.strictSame(await deployed.findPrevious(), proposal, 'what runs is what the next question goes on from');
});

t.test("another service's, another customer's and another repository's is not taken", async (t) => {
  const dataDir = t.testdir();
  await plannedProposals(subjectIn(dataDir)).keep({ commit: 'a', proposal });
  for (const other of [{ name: 'other' }, { customerId: 'cust_1' }, { git: { ...git, branch: 'next' } }])
    t.equal(await plannedProposals(subjectIn(dataDir, other)).find('a'), undefined);
});

t.test('what is forgotten is gone on both sides, unless it is of another commit', async (t) => {
  const subject = subjectIn(t.testdir());
  await deployedProposals(subject).keep({ commit: 'a', proposal });
  await plannedProposals(subject).keep({ commit: 'a', proposal });
  await plannedProposals(subject).forget('b');
  t.ok(await deployedProposals(subject).find('a'));
  await plannedProposals(subject).forget('a');
  t.equal(await deployedProposals(subject).find('a'), undefined);
});

t.test('no more than fifty plans are kept, and a file that somebody broke is none', async (t) => {
  const dataDir = t.testdir();
  for (let n = 0; n < 55; n++)
    await plannedProposals(subjectIn(dataDir, { name: `shop-${n}` })).keep({ commit: 'a', proposal });
  t.equal(readdirSync(join(dataDir, 'proposals')).length, 50);
  const last = subjectIn(dataDir, { name: 'shop-54' });
  t.ok(await plannedProposals(last).find('a'));
  for (const name of readdirSync(join(dataDir, 'proposals'))) writeFileSync(join(dataDir, 'proposals', name), '{');
  t.equal(await plannedProposals(last).find('a'), undefined);
});
