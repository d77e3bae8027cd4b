// The host's own policy: the root-owned file that control cannot change, and the checks that need this host's disk.
// The rules themselves and the judging of plain data are shared/compose.
import { lstatSync, readFileSync, readlinkSync, realpathSync, statSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import { filesOf } from '#shared/compose/judge-files.ts';
import { mountOf, ownFilesMessage } from '#shared/compose/judge-mounts.ts';
import type { ComposeDocument } from '#shared/compose/parse.ts';
import { holdsOwnFiles, isInside, isRemote } from '#shared/compose/paths.ts';
import { judgeCompose, layersOf, type Finding, type JudgeContext } from '#shared/compose/policy.ts';
import { DEFAULT_POLICY, policyFileSchema, withDefaults, type PolicyFile } from '#shared/compose/rules.ts';
import { isOpen, listOf, unescaped } from '#shared/compose/values.ts';
import { LongshoreError } from '#shared/errors.ts';

export const POLICY_PATH = '/etc/longshore/policy.yaml';
const GROUP_OR_OTHERS_WRITE = 0o022;

/**
 * Reads the policy file; without one the built-in rules hold. Fails with `config_invalid` when somebody but its owner
 * could have written it, or when it is not what the schema says: a policy that is half understood is none.
 */
export async function loadPolicy(path: string = POLICY_PATH, ownerUid = 0): Promise<PolicyFile> {
  const stat = statSync(path, { throwIfNoEntry: false });
  if (!stat) return DEFAULT_POLICY;
  if (stat.uid !== ownerUid) throw invalid(path, 'it must belong to root');
  if ((stat.mode & GROUP_OR_OTHERS_WRITE) !== 0)
    throw invalid(path, 'only its owner may be able to write it (chmod 644)');
  const parsed = policyFileSchema().safeParse((await readYaml(path)) ?? {});
  if (parsed.success) return withDefaults(parsed.data);
  const [issue] = parsed.error.issues;
  throw invalid(path, `${issue?.path.join('.') || 'top level'}: ${issue?.message ?? 'not valid'}`);
}

async function readYaml(path: string): Promise<unknown> {
  const { default: yaml } = await import('yaml'); // CommonJS: a bundle has no other names of it
  try {
    return yaml.parse(readFileSync(path, 'utf8'), { maxAliasCount: 0 });
  } catch (error) {
    throw invalid(path, error instanceof Error ? error.message : String(error));
  }
}

const invalid = (path: string, details: string) =>
  new LongshoreError('config_invalid', { message: `The policy file "${path}" cannot be used`, details });

/** The shared verdict, and for paths that look inside the folder: where they really lead. */
export function judgeOnHost(document: ComposeDocument, context: JudgeContext): Finding[] {
  return [...judgeCompose(document, context), ...layersOf(document).flatMap((layer) => judgeLinks(layer, context))];
}

/**
 * A path that reads like the folder's own may be a symlink out of it; a container that has the folder mounted can make
 * one at any time. Docker follows it as root, so the target is what is judged.
 */
function judgeLinks({ root, services }: ComposeDocument, context: JudgeContext): Finding[] {
  const { rules, form, projectDir, root: top = projectDir } = context;
  const findings: Finding[] = [];
  const home = realPath(top);
  const judge = (path: string, rule: Finding['rule'], text: string) => {
    const file = unescaped(text);
    if (isOpen(text, form) || isRemote(file) || !isInside(top, file, projectDir)) return; // judged by its text
    const target = realPath(resolve(projectDir, file));
    if (!isInside(home, target, '/')) findings.push({ path, rule, message: `"${file}" is a link out of the folder` });
  };
  if (!rules.outsideFiles) {
    for (const { path, file, kind } of filesOf(root, services)) {
      if (kind !== 'compose') judge(path, 'outsideFiles', file);
    }
  }
  return rules.bindMounts === 'project' ? [...findings, ...judgeBindLinks({ root, services }, context)] : findings;
}

function judgeBindLinks({ services }: ComposeDocument, context: JudgeContext): Finding[] {
  const { rules, form, projectDir, root: top = projectDir } = context;
  const home = realPath(top);
  const folders = [top, ...rules.bindFolders];
  const targets = folders.map(realPath);
  const faultOf = (text: string, isReadOnly: boolean): string | undefined => {
    const source = unescaped(text);
    if (isOpen(text, form) || !folders.some((folder) => isInside(folder, source, projectDir))) return undefined;
    const target = realPath(resolve(projectDir, source));
    if (!targets.some((folder) => isInside(folder, target, '/'))) return `"${source}" is a link out of the folder`;
    const isNews = !isReadOnly && !holdsOwnFiles(top, source, projectDir); // else its text has told
    return isNews && holdsOwnFiles(home, target) ? ownFilesMessage(source) : undefined;
  };
  return Object.entries(services).flatMap(([name, service]) =>
    listOf(service['volumes']).flatMap((value, index): Finding[] => {
      const mount = mountOf(value);
      if (mount?.type !== 'bind' || !mount.source) return [];
      const message = faultOf(mount.source, mount.isReadOnly);
      return message === undefined ? [] : [{ path: `services.${name}.volumes[${index}]`, rule: 'bindMounts', message }];
    }),
  );
}

/** Links resolved as far as the path exists; the rest stays as written (Docker will make it). */
function realPath(path: string): string {
  try {
    return realpathSync(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT' || path === '/') throw error;
    const isLink = lstatSync(path, { throwIfNoEntry: false })?.isSymbolicLink(); // to something that is not there yet
    if (isLink) return realPath(resolve(dirname(path), readlinkSync(path)));
    return join(realPath(dirname(path)), basename(path));
  }
}
