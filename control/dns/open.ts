// Which implementation serves a zone.
import type { Clock } from '#shared/time.ts';
import type { OpenDnsProvider } from '../app/dns/provider.ts';
import { openCloudflare, type Send } from './cloudflare.ts';
import { openRfc2136 } from './rfc2136.ts';

export const createDnsOpener =
  ({ send, clock }: { send: Send; clock: Clock }): OpenDnsProvider =>
  (access) => {
    const { settings } = access;
    return settings.provider === 'rfc2136'
      ? openRfc2136({ ...access, settings }, clock)
      : openCloudflare({ ...access, settings }, send);
  };
