// Labels that Compose and Longshore keep for themselves. Custom ones pass through to Docker, so a forged one would make
// a container look like somebody else's.
import type { JudgeContext, Report } from './judge.ts';
import { isMap, entriesOf, textOf, type ComposeMap } from './values.ts';

const RESERVED = ['com.docker.compose.', 'longshore.'];
const OWN_LABEL = 'longshore.service';

export function judgeLabels(
  root: ComposeMap,
  services: Record<string, ComposeMap>,
  { form, serviceId }: JudgeContext,
  report: Report,
): void {
  const judge = (path: string, labels: unknown) => {
    for (const [key, value] of pairsOf(labels)) {
      if (!RESERVED.some((prefix) => key.toLowerCase().startsWith(prefix))) continue;
      if (form === 'normalised' && key === OWN_LABEL && value === serviceId) continue;
      report(`${path}.${key}`, 'reserved', 'this label is reserved');
    }
  };
  for (const [name, service] of Object.entries(services)) {
    judge(`services.${name}.labels`, service['labels']);
    for (const key of ['deploy', 'build'] as const) {
      const part = service[key];
      if (isMap(part)) judge(`services.${name}.${key}.labels`, part['labels']);
    }
  }
  for (const kind of ['networks', 'volumes', 'configs', 'secrets']) {
    for (const [name, { labels }] of entriesOf(root[kind])) judge(`${kind}.${name}.labels`, labels);
  }
}

/** `{key: value}` or `[key=value]`. */
function pairsOf(labels: unknown): [string, unknown][] {
  if (Array.isArray(labels)) {
    return labels.map((item) => {
      const [key = '', ...rest] = textOf(item).split('=');
      return [key.trim(), rest.join('=')];
    });
  }
  return isMap(labels) ? Object.entries(labels) : [];
}
