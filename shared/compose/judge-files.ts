// Files that Compose and BuildKit themselves read. Compose opens them while it normalises, so for a stranger's file
// these paths must be plain text and inside the folder before Compose runs at all.
import type { JudgeContext, Report } from './judge.ts';
import { isMap, entriesOf, isOpen, listOf, textOf, unescaped, type ComposeMap } from './values.ts';
import { isInside, isRemote } from './paths.ts';

/** A path that will be read, and where in the file it stands. */
export interface FileReference {
  path: string;
  file: string;
  /** `build`: a folder that BuildKit takes whole. `compose`: another compose file, which nobody has judged. */
  kind: 'plain' | 'build' | 'compose';
}

const reference = (path: string, value: unknown, kind: FileReference['kind'] = 'plain'): FileReference[] =>
  typeof value === 'string' ? [{ path, file: value, kind }] : [];

/** Every path Compose or BuildKit would open, as written. */
export function filesOf(root: ComposeMap, services: Record<string, ComposeMap>): FileReference[] {
  return [
    ...Object.entries(services).flatMap(([name, service]) => filesOfService(`services.${name}`, service)),
    ...['configs', 'secrets'].flatMap((kind) =>
      entriesOf(root[kind]).flatMap(([name, { file }]) => reference(`${kind}.${name}.file`, file)),
    ),
    ...listOf(root['include']).flatMap((item, index) => filesOfInclude(`include[${index}]`, item)),
  ];
}

function filesOfService(path: string, service: ComposeMap): FileReference[] {
  const { extends: base, build } = service;
  return [
    ...['env_file', 'label_file'].flatMap((key) => {
      const values = listOf(service[key]);
      return values.flatMap((value, i) => reference(`${path}.${key}[${i}]`, isMap(value) ? value['path'] : value));
    }),
    ...(isMap(base) ? reference(`${path}.extends.file`, base['file'], 'compose') : []),
    ...(isMap(build) ? filesOfBuild(`${path}.build`, build) : reference(`${path}.build`, build, 'build')),
  ];
}

function filesOfBuild(
  path: string,
  { context = '.', dockerfile, additional_contexts: more }: ComposeMap,
): FileReference[] {
  const file = typeof dockerfile === 'string' && typeof context === 'string' ? joined(context, dockerfile) : undefined;
  const contexts = Array.isArray(more)
    ? more.map((item) => textOf(item).replace(/^[^=]*=/, ''))
    : Object.values(more ?? {});
  return [
    ...reference(`${path}.context`, context, 'build'),
    ...reference(`${path}.dockerfile`, file),
    ...contexts.flatMap((value, index) => reference(`${path}.additional_contexts[${index}]`, value, 'build')),
  ];
}

const joined = (context: string, dockerfile: string): string =>
  dockerfile.startsWith('/') || isRemote(context) ? dockerfile : `${context}/${dockerfile}`;

function filesOfInclude(path: string, item: unknown): FileReference[] {
  if (!isMap(item)) return reference(path, item, 'compose');
  return ['path', 'project_directory', 'env_file'].flatMap((key) =>
    listOf(item[key]).flatMap((value, index) => {
      return reference(`${path}.${key}[${index}]`, value, key === 'path' ? 'compose' : 'plain');
    }),
  );
}

export function judgeFiles(
  root: ComposeMap,
  services: Record<string, ComposeMap>,
  { rules, form, projectDir, root: home = projectDir }: JudgeContext,
  report: Report,
): void {
  for (const { path, file, kind } of filesOf(root, services)) {
    const rule = kind === 'build' ? 'outsideBuilds' : 'outsideFiles';
    if (rules[rule]) continue;
    if (isOpen(file, form)) report(path, rule, 'must be plain text, without a variable');
    else if (isRemote(file)) report(path, rule, 'must be a local path');
    else if (!isInside(home, unescaped(file), projectDir))
      report(path, rule, `"${file}" is outside the service's folder`);
    else if (kind === 'compose') report(path, rule, 'further compose files are not allowed');
  }
}
