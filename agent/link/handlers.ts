// What control may ask of this host: a table from method to the part that answers.
import type { AdoptionDraft } from '#shared/adoption.ts';
import type { HostFacts, ServiceReport } from '#shared/model.ts';
import type { DeployPlan } from '#shared/protocol/deploy-parts.ts';
import type { AdoptionQuestion } from '#shared/protocol/host-parts.ts';
import type { Handlers } from '#shared/protocol/peer-types.ts';
import type { Containers } from '../containers/containers.ts';
import type { Discovery } from '../adoption/discovery.ts';
import type { Question } from '../deploy/plan/dry-run.ts';
import type { Reviews } from '../deploy/ai/reviews.ts';
import type { History } from '../deploy/revisions/history.ts';
import type { DriftDesk } from '../drift/desk.ts';
import type { Execs } from '../exec/execs.ts';
import type { Images } from '../images/images.ts';
import type { Inbox } from '../jobs/inbox.ts';
import type { Stats } from '../stats/stats.ts';
import type { Upgrades } from '../upgrade/upgrades.ts';

export interface HandlerDeps {
  inbox: Pick<Inbox, 'deliver'>;
  collectFacts: () => Promise<HostFacts>;
  observe: (serviceId: string) => Promise<ServiceReport>;
  planDeploy: (question: Question, signal: AbortSignal) => Promise<DeployPlan>;
  history: Pick<History, 'list' | 'show' | 'compare'>;
  reviews: Pick<Reviews, 'show' | 'reject'>;
  discovery: Pick<Discovery, 'projects' | 'containers'>;
  containers: Pick<Containers, 'list' | 'setup' | 'act' | 'update'>;
  draftAdoption: (question: AdoptionQuestion, signal: AbortSignal) => Promise<AdoptionDraft>;
  drift: Pick<DriftDesk, 'show' | 'draft'>;
  images: Pick<Images, 'checkUpdates' | 'prune'>;
  execs: Pick<Execs, 'stream' | 'input'>;
  stats: Pick<Stats, 'host' | 'service'>;
  answerUpgrade: Upgrades['answer'];
  streamLogs: NonNullable<Handlers['streams']['logs']>;
  streamContainerLogs: NonNullable<Handlers['streams']['containerLogs']>;
  searchLogs: NonNullable<Handlers['streams']['search']>;
  streamBackup: NonNullable<Handlers['streams']['backup']>;
}

export const createHandlers = ({
  inbox,
  collectFacts,
  observe,
  planDeploy,
  history,
  reviews,
  discovery,
  containers,
  draftAdoption,
  drift,
  images,
  execs,
  stats,
  answerUpgrade,
  streamLogs,
  streamContainerLogs,
  searchLogs,
  streamBackup,
}: HandlerDeps): Handlers => ({
  requests: {
    'commands.deliver': async (params) => inbox.deliver(params),
    'host.facts': () => collectFacts(),
    'service.observe': async ({ serviceId }) => ({ report: await observe(serviceId) }),
    'service.plan': async (question, signal) => ({ plan: await planDeploy(question, signal) }),
    'service.revisions': ({ serviceId }) => history.list(serviceId),
    'service.revision': ({ serviceId, revision }) => history.show(serviceId, revision),
    'service.compare': ({ serviceId, from, to }) => history.compare(serviceId, from, to),
    'service.proposal': async ({ serviceId }) => ({ proposal: await reviews.show(serviceId) }),
    'service.reject': async ({ serviceId, proposalId }) => {
      await reviews.reject(serviceId, proposalId);
      return {};
    },
    'service.drift': async ({ serviceId }) => ({ drift: await drift.show(serviceId) }),
    'service.drift_draft': async ({ serviceId }) => ({ draft: await drift.draft(serviceId) }),
    'host.projects': (page) => discovery.projects(page),
    'host.containers': (page) => discovery.containers(page),
    'containers.list': (question) => containers.list(question),
    'container.setup': (question) => containers.setup(question),
    'container.act': async (order) => {
      await containers.act(order);
      return {};
    },
    'container.update': (order) => containers.update(order),
    'host.adoption': async (question, signal) => ({ draft: await draftAdoption(question, signal) }),
    'service.updates': async ({ serviceId }, signal) => ({ updates: await images.checkUpdates(serviceId, signal) }),
    'host.prune': (request) => images.prune(request),
    'host.upgrade': (order) => answerUpgrade(order),
    'exec.input': async ({ execId, ...input }) => {
      await execs.input(execId, input);
      return {};
    },
    'host.stats': (asked) => stats.host(asked),
    'service.stats': (asked) => stats.service(asked),
    echo: ({ data }) => Promise.resolve({ data }),
  },
  notifications: {},
  streams: {
    logs: streamLogs,
    containerLogs: streamContainerLogs,
    search: searchLogs,
    backup: streamBackup,
    exec: (request, writer, opened) => execs.stream(request, writer, opened),
  },
});
