// What control may ask of this host: a table from method to the part that answers.
import type { HostFacts, ServiceReport } from '#shared/model.ts';
import type { DeployPlan } from '#shared/protocol/deploy-parts.ts';
import type { Handlers } from '#shared/protocol/peer-types.ts';
import type { Question } from '../deploy/plan/dry-run.ts';
import type { History } from '../deploy/revisions/history.ts';
import type { Inbox } from '../jobs/inbox.ts';

export interface HandlerDeps {
  inbox: Pick<Inbox, 'deliver'>;
  collectFacts: () => Promise<HostFacts>;
  observe: (serviceId: string) => Promise<ServiceReport>;
  planDeploy: (question: Question, signal: AbortSignal) => Promise<DeployPlan>;
  history: Pick<History, 'list' | 'show' | 'compare'>;
  streamLogs: NonNullable<Handlers['streams']['logs']>;
}

export const createHandlers = ({
  inbox,
  collectFacts,
  observe,
  planDeploy,
  history,
  streamLogs,
}: HandlerDeps): Handlers => ({
  requests: {
    'commands.deliver': async (params) => inbox.deliver(params),
    'host.facts': () => collectFacts(),
    'service.observe': async ({ serviceId }) => ({ report: await observe(serviceId) }),
    'service.plan': async (question, signal) => ({ plan: await planDeploy(question, signal) }),
    'service.revisions': ({ serviceId }) => history.list(serviceId),
    'service.revision': ({ serviceId, revision }) => history.show(serviceId, revision),
    'service.compare': ({ serviceId, from, to }) => history.compare(serviceId, from, to),
    echo: ({ data }) => Promise.resolve({ data }),
  },
  notifications: {},
  streams: { logs: streamLogs },
});
