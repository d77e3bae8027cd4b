// What yargs says of a command line that is wrong, as a person would say it.
import { LongshoreError } from '#shared/errors.ts';

/** `command`: the one that was called, if it is one of ours. */
export function toUsageError(message: string, command: string | undefined): LongshoreError {
  const details = `\`longshore ${command ? `${command} ` : ''}--help\` shows what there is`;
  return new LongshoreError('bad_request', { message: inOtherWords(message, command), details });
}

const OTHER_WORDS: [RegExp, (...found: string[]) => string][] = [
  [/^Not enough non-option arguments/, () => 'An argument is missing'],
  [/^Not enough arguments following: (.+)$/, (_, name) => `${flag(name)} needs a value`],
  [/^Missing required arguments?: (.+)$/, (_, names) => `Missing: ${flagsOf(names)}`],
  [/^Arguments (\S+) and (\S+) are mutually exclusive$/, (_, a, b) => `${flag(a)} and ${flag(b)} do not go together`],
  [/^Implications failed:\n\s*(\S+) -> (\S+)/, (_, name, needed) => `${flag(name)} needs ${flag(needed)}`],
  [/^Unknown arguments: (.+)$/, (_, names) => `Unknown: ${eachOnce(names)}`],
  [
    /^Invalid values:\n\s*Argument: (\S+), Given: (.+), Choices: (.+)/,
    (_, name, given, choices) => `${flag(name)} ${given} is none of ${choices}`,
  ],
];

function inOtherWords(message: string, command: string | undefined): string {
  if (command === undefined) return message.replace(/^Unknown arguments?: ([^-][^,]*).*/, 'There is no command "$1"');
  for (const [said, other] of OTHER_WORDS) {
    const found = said.exec(message);
    if (found) return other(...found);
  }
  return message;
}

const flag = (name = ''): string => (name.length === 1 ? `-${name}` : `--${name}`);
const flagsOf = (names = ''): string => names.split(', ').map(flag).join(', ');

/** yargs names `plan-id` as `planId`, too. */
function eachOnce(names = ''): string {
  const all = names.split(', ');
  const twins = all
    .filter((name) => name.includes('-'))
    .map((name) => name.replace(/-(.)/g, (_, c: string) => c.toUpperCase()));
  return all.filter((name) => !twins.includes(name)).join(', ');
}
