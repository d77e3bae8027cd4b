// Names that a service claims on the whole host: its container's and its image's.
import type { JudgeContext, Report } from './judge.ts';
import { isOpen, textOf, type ComposeMap } from './values.ts';

export function judgeNames(
  path: string,
  service: ComposeMap,
  { rules, form, project }: JudgeContext,
  report: Report,
): void {
  const { container_name: container, image, build } = service;
  const isOwn = (value: unknown) => value === project || textOf(value).startsWith(`${project}-`);
  if (!rules.foreignContainerNames && container !== undefined && !isOpen(container, form) && !isOwn(container)) {
    report(`${path}.container_name`, 'foreignContainerNames', `must be "${project}" or begin with "${project}-"`);
  }
  // A build tags its result on the host: as `redis:7` it would become everybody's redis.
  if (rules.foreignResources || build === undefined) return;
  if (image !== undefined && !isOpen(image, form) && !isOwn(image)) {
    report(`${path}.image`, 'foreignResources', `the name of a built image must begin with "${project}-"`);
  }
  const tags = typeof build === 'object' && build !== null && 'tags' in build ? build.tags : undefined;
  if (tags !== undefined)
    report(`${path}.build.tags`, 'foreignResources', 'further names for an image are not allowed');
}
