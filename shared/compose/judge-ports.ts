// Host ports: which a service may publish.
import type { JudgeContext, Report } from './judge.ts';
import { isMap, isOpen, listOf, textOf, type ComposeMap } from './values.ts';

/** The kernel's own border for ports that only root may open. */
const PRIVILEGED_BELOW = 1024;

export interface PortRange {
  first: number;
  last: number;
  protocol: string;
  /** Address on the host; empty is all of them. */
  address: string;
}

/** What a port entry publishes on the host; undefined when Docker chooses the port or the value is not one. */
export function publishedOf(value: unknown): PortRange | undefined {
  return isMap(value) ? fromLong(value) : fromShort(textOf(value));
}

function fromLong({ published, protocol, host_ip: address }: ComposeMap): PortRange | undefined {
  return range(textOf(published), textOf(protocol ?? 'tcp'), textOf(address));
}

/** `[ADDRESS:][HOST[-HOST]:]CONTAINER[/PROTOCOL]`; the address may be `[::1]`. */
function fromShort(text: string): PortRange | undefined {
  const [, address = '', published = '', protocol = 'tcp'] =
    /^(?:(\[[^\]]*\]|[^:]*):)?([\d-]*):[\d-]+(?:\/(\w+))?$/.exec(text) ?? [];
  return range(published, protocol, address.replace(/^\[|\]$/g, ''));
}

function range(published: string, protocol: string, address: string): PortRange | undefined {
  const [, first, last = first] = /^(\d+)(?:-(\d+))?$/.exec(published) ?? [];
  if (first === undefined || Number(first) === 0) return undefined;
  return { first: Number(first), last: Number(last), protocol: protocol.toLowerCase(), address };
}

export function judgePorts(path: string, service: ComposeMap, context: JudgeContext, report: Report): void {
  const { rules, form, reservedPorts } = context;
  listOf(service['ports']).forEach((value, index) => {
    const port = isOpen(value, form) ? undefined : publishedOf(value);
    if (!port) return;
    const here = `${path}.ports[${index}]`;
    const hits = (ports: readonly number[]) => ports.find((one) => one >= port.first && one <= port.last);
    const reserved = port.protocol === 'tcp' ? hits(reservedPorts) : undefined;
    const denied = hits(rules.deniedPorts);
    if (reserved !== undefined) report(here, 'reserved', `port ${reserved} belongs to Longshore`);
    else if (denied !== undefined) report(here, 'deniedPorts', `port ${denied} may not be published`);
    else if (!rules.privilegedPorts && port.first < PRIVILEGED_BELOW) {
      report(here, 'privilegedPorts', `ports below ${PRIVILEGED_BELOW} may not be published`);
    }
  });
}
