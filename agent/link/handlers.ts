// What control may ask of this host: a table from method to the part that answers.
import type { HostFacts, ServiceReport } from '#shared/model.ts';
import type { Handlers } from '#shared/protocol/peer-types.ts';
import type { Inbox } from '../jobs/inbox.ts';

export interface HandlerDeps {
  inbox: Pick<Inbox, 'deliver'>;
  collectFacts: () => Promise<HostFacts>;
  observe: (serviceId: string) => Promise<ServiceReport>;
  streamLogs: NonNullable<Handlers['streams']['logs']>;
}

export const createHandlers = ({ inbox, collectFacts, observe, streamLogs }: HandlerDeps): Handlers => ({
  requests: {
    'commands.deliver': async (params) => inbox.deliver(params),
    'host.facts': () => collectFacts(),
    'service.observe': async ({ serviceId }) => ({ report: await observe(serviceId) }),
    echo: ({ data }) => Promise.resolve({ data }),
  },
  notifications: {},
  streams: { logs: streamLogs },
});
