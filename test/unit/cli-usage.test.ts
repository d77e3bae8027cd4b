// A command line that is wrong is told what is wrong with it, by the names that it has.
import t from 'tap';
import { runCli } from '../support/cli.ts';

const DEPLOY = ['deploy', '--name', 'web'];
const CASES: [says: string, args: string[]][] = [
  ['There is no command "depoly"', ['depoly']],
  ['An argument is missing', ['services', 'plan']],
  ['Missing: --name', ['deploy', '-f', 'x']],
  ['--name needs a value', ['deploy', '--name']],
  ['--file and --git do not go together', [...DEPLOY, '-f', 'x', '--git', 'https://example.com/x']],
  ['--path needs --git', [...DEPLOY, '-f', 'x', '--path', 'apps/web']],
  ['--approve needs --id', ['services', 'proposal', 'web', '--approve']],
  ['--pull "often" is none of "missing", "always", "never"', [...DEPLOY, '-f', 'x', '--pull', 'often']],
  ['Unknown argument: nonsense', [...DEPLOY, '-f', 'x', '--nonsense']],
  ['Unknown: plan-id', ['services', 'plan', 'web', '--plan-id', 'dp_1']],
  ['Unknown: odd, other', [...DEPLOY, '--odd', '--other']],
];

for (const [says, args] of CASES) {
  void t.test(`longshore ${args.join(' ')}: ${says}`, async (t) => {
    const { exitCode, stderr } = await runCli(args);
    t.equal(exitCode, 2);
    t.equal(stderr.split('\n')[0], `longshore: ${says} (bad_request)`);
    t.match(stderr, /^ {2}`longshore .*--help` shows what there is$/m);
  });
}
