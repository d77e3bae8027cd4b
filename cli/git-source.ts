// The flags that say what of a Git repository is deployed, and with which credentials. Secrets come from a file or stdin:
// arguments are public.
import { readInput } from './pairs.ts';

export interface GitSourceArgs {
  commit?: string | undefined;
  path?: string | undefined;
  submodules?: boolean | undefined;
  lfs?: boolean | undefined;
  watch: string[];
  gitTokenFile?: string | undefined;
  gitUsername?: string | undefined;
  deployKey?: string | undefined;
  knownHosts?: string | undefined;
}

const oneOf = (describe: string) => ({ type: 'string', requiresArg: true, describe }) as const;

export const gitSourceOptions = {
  commit: oneOf('Full name of the one commit to deploy; empty: the newest'),
  path: oneOf('Folder of the repository where what is deployed lies; empty: the top'),
  submodules: { type: 'boolean', describe: 'Fetch its submodules, too' },
  lfs: { type: 'boolean', describe: 'Fetch what Git LFS keeps for it, too' },
  watch: {
    type: 'string',
    array: true,
    nargs: 1,
    default: [] as string[],
    describe: 'What a push must touch to deploy, like apps/web/** or !**/*.md; empty: anything',
  },
  'git-token-file': oneOf('Token for a private repository, in a file; - for stdin'),
  'git-username': oneOf('User name beside the token; most hosts need none'),
  'deploy-key': oneOf('Private key for a repository by ssh, in a file; - for stdin'),
  'known-hosts': oneOf('The only ssh hosts to believe, in a file of lines like ~/.ssh/known_hosts'),
} as const;

/** As fields of the API; what was not asked for is left out. `emptied`: what an empty value means. */
export function gitSourceOf(args: GitSourceArgs, emptied?: null): object {
  const { commit, path, watch, gitTokenFile, deployKey, knownHosts } = args;
  const fields = {
    git_commit: valueOf(commit, emptied),
    git_path: valueOf(path, emptied),
    git_submodules: args.submodules,
    git_lfs: args.lfs,
    git_watch_paths: watch.length === 0 ? undefined : watch.some((pattern) => pattern !== '') ? watch : emptied,
    git_token: contentOf(gitTokenFile, '--git-token-file')?.replace(/\r?\n$/, ''),
    git_username: args.gitUsername,
    git_deploy_key: contentOf(deployKey, '--deploy-key'),
    git_known_hosts: contentOf(knownHosts, '--known-hosts'),
  };
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined));
}

const valueOf = (text: string | undefined, emptied: null | undefined) => (text === '' ? emptied : text);

const contentOf = (file: string | undefined, flag: string): string | undefined =>
  file === undefined ? undefined : readInput(file, flag);
