// How much of its host a file takes: containers and host ports. A range or a number of replicas is a few letters for
// thousands of either.
import type { JudgeContext, Report } from './judge.ts';
import { publishedOf } from './judge-ports.ts';
import { isMap, isOpen, listOf, textOf, type ComposeMap } from './values.ts';

export function judgeAmounts(services: Record<string, ComposeMap>, context: JudgeContext, report: Report): void {
  const { rules } = context;
  const taken = { containers: 0, ports: 0 };
  for (const [name, service] of Object.entries(services)) {
    const { key, count } = replicasIn(service, context);
    taken.containers += count;
    if (rules.containers !== null && taken.containers > rules.containers)
      report(`services.${name}${key}`, 'containers', `makes more than ${rules.containers} containers`);
    listOf(service['ports']).forEach((value, index) => {
      const port = isOpen(value, context.form) ? undefined : publishedOf(value);
      taken.ports += port ? Math.max(0, port.last - port.first) + 1 : 0;
      if (port && rules.publishedPorts !== null && taken.ports > rules.publishedPorts)
        report(
          `services.${name}.ports[${index}]`,
          'publishedPorts',
          `makes more than ${rules.publishedPorts} host ports`,
        );
    });
  }
}

/** `scale` counts before `deploy.replicas`; one that holds a variable is counted when that is filled in. */
function replicasIn({ scale, deploy }: ComposeMap, { form }: JudgeContext): { key: string; count: number } {
  const replicas = isMap(deploy) ? deploy['replicas'] : undefined;
  const [key, value] = scale === undefined || scale === null ? ['.deploy.replicas', replicas] : ['.scale', scale];
  if (value === undefined || value === null || isOpen(value, form)) return { key: '', count: 1 };
  return { key, count: Number(textOf(value)) || 0 };
}
