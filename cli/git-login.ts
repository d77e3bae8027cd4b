// The flags of a private repository. The token comes from a file or stdin: arguments are public.
import { readInput } from './pairs.ts';

export interface GitLoginArgs {
  gitTokenFile?: string | undefined;
  gitUsername?: string | undefined;
}

export const gitLoginOptions = {
  'git-token-file': {
    type: 'string',
    requiresArg: true,
    describe: 'Token for a private repository, in a file; - for stdin',
  },
  'git-username': { type: 'string', requiresArg: true, describe: 'User name beside the token; most hosts need none' },
} as const;

/** As fields of the API; what was not asked for is left out. */
export const gitLoginOf = ({ gitTokenFile: file, gitUsername }: GitLoginArgs): object => ({
  ...(file !== undefined && { git_token: readInput(file, '--git-token-file').replace(/\r?\n$/, '') }),
  ...(gitUsername !== undefined && { git_username: gitUsername }),
});
