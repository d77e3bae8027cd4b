// The flags that say what of a Git repository is deployed, and with which credentials. Secrets come from a file or stdin:
// arguments are public.
import { readInput } from './pairs.ts';

export interface GitSourceArgs {
  commit?: string | undefined;
  path?: string | undefined;
  gitTokenFile?: string | undefined;
  gitUsername?: string | undefined;
}

const oneOf = (describe: string) => ({ type: 'string', requiresArg: true, describe }) as const;

export const gitSourceOptions = {
  commit: oneOf('Full name of the one commit to deploy; else the newest'),
  path: oneOf('Folder of the repository where what is deployed lies'),
  'git-token-file': oneOf('Token for a private repository, in a file; - for stdin'),
  'git-username': oneOf('User name beside the token; most hosts need none'),
} as const;

/** As fields of the API; what was not asked for is left out. `emptied`: what an empty value means. */
export function gitSourceOf(args: GitSourceArgs, emptied: null | undefined = undefined): object {
  const { commit, path, gitTokenFile, gitUsername } = args;
  const fields = {
    git_commit: valueOf(commit, emptied),
    git_path: valueOf(path, emptied),
    git_token: secretIn(gitTokenFile, '--git-token-file'),
    git_username: gitUsername,
  };
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined));
}

const valueOf = (text: string | undefined, emptied: null | undefined) => (text === '' ? emptied : text);

const secretIn = (file: string | undefined, flag: string): string | undefined =>
  file === undefined ? undefined : readInput(file, flag).replace(/\r?\n$/, '');
