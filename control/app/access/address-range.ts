// Address ranges in CIDR form, by Node's own BlockList.
import { BlockList, isIP } from 'node:net';

/** Whether an address lies in a range; undefined for text that is no range. */
export function readAddressRange(text: string): ((address: string) => boolean) | undefined {
  const [base = '', bits, ...rest] = text.split('/');
  const version = isIP(base);
  if (version === 0 || rest.length > 0) return undefined;
  const family = version === 4 ? 'ipv4' : 'ipv6';
  const max = version === 4 ? 32 : 128;
  const prefix = bits === undefined ? max : /^\d{1,3}$/.test(bits) ? Number(bits) : -1;
  if (prefix < 0 || prefix > max) return undefined;
  const list = new BlockList();
  list.addSubnet(base, prefix, family);
  return (address) => isListed(list, address);
}

/** A dual-stack socket shows IPv4 callers as ::ffff:a.b.c.d. */
function isListed(list: BlockList, address: string): boolean {
  const plain = address.toLowerCase().startsWith('::ffff:') ? address.slice('::ffff:'.length) : address;
  const version = isIP(plain);
  return version !== 0 && list.check(plain, version === 4 ? 'ipv4' : 'ipv6');
}
