// Names as users write them. Pure.
import { domainToASCII } from 'node:url';
import { isAddress } from '#shared/address.ts';

/** Two labels at least, in lower case. DNS takes three letters more; hosts have a file by each name, with a suffix. */
const HOSTNAME = /^(?=.{1,250}$)([a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?\.)+[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/;

/** What ends a host's name in a URL: what follows would be dropped without a word. */
const URL_MARKS = /[/\\?#@:\s]/;

/** In the letters of DNS (`bücher.example` → `xn--bcher-kva.example`); undefined for what is no name of a site. */
export function readHostname(text: string): string | undefined {
  if (URL_MARKS.test(text.trim())) return undefined;
  const ascii = domainToASCII(text.trim().replace(/\.$/, '')).toLowerCase();
  return HOSTNAME.test(ascii) && !isAddress(ascii) ? ascii : undefined;
}

export const isBelow = (hostname: string, domain: string): boolean =>
  hostname === domain || hostname.endsWith(`.${domain}`);
