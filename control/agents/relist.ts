// After a host or control came back with an older memory: asks the host what it sees of each service we know it has,
// and takes that as the truth. One service at a time; what the host does not know stays as it is here. What was not seen
// for a link that broke, or an engine that was away, is asked for at the next link.
import { toLongshoreError } from '#shared/errors.ts';
import type { Logger } from '#shared/log.ts';
import type { Clock } from '#shared/time.ts';
import type { JobEnds } from '../app/jobs/job-ends.ts';
import type { ServiceRecord } from '../store/records.ts';
import type { Stores } from '../store/stores.ts';
import type { Session } from './sessions.ts';

export interface RelistDeps {
  stores: Stores;
  ends: JobEnds;
  clock: Clock;
  log: Logger;
}

export async function relistServices(
  { stores, ends, clock, log }: RelistDeps,
  { hostId, peer }: Session,
): Promise<void> {
  const unknown: string[] = [];
  let isComplete = true;
  const observe = async ({ id, name }: ServiceRecord) => {
    try {
      const { report } = await peer.request('service.observe', { serviceId: id });
      await stores.writer.write((tx) => {
        const service = stores.services.find(id);
        if (service && report.serviceId === id) ends.report(tx, service, report, clock.now());
      });
    } catch (cause) {
      const error = toLongshoreError(cause);
      if (error.code === 'not_found') unknown.push(name);
      else {
        isComplete = false;
        log.warn({ err: error, hostId, serviceId: id }, 'could not list a service anew');
      }
    }
  };
  for (const service of stores.services.ofHost(hostId)) if (peer.isOpen) await observe(service);
  if (!isComplete || !peer.isOpen) return;
  const message = `The host does not know these services any more, redeploy or remove them: ${unknown.join(', ')}`;
  await stores.writer.write(() => {
    stores.hosts.setToRelist(hostId, false);
    if (unknown.length === 0) return;
    stores.events.insert({ hostId, type: 'host', status: 'services_unknown', message, at: clock.now() });
  });
}
