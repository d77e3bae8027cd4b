// A Procfile's `web:` line: the author's own word on how to start, so it wins over everything detected.
import type { Repository } from './recipe.ts';

const COMMAND_CHARS = 1000;
/** Words that mean the same with and without a shell. */
const PLAIN = /^[\w./:@,+-]+( +[\w./:=@,+-]+)*$/;

/** The argv; whatever needs a shell (`$PORT`, `&&`) gets one inside of the container, as one JSON string. */
export function findWebCommand({ texts }: Repository): string[] | undefined {
  const command = /^web[ \t]*:[ \t]*(\S.*)$/m.exec(texts.get('Procfile') ?? '')?.[1]?.trim();
  if (command === undefined || command.length > COMMAND_CHARS || /\p{Cc}/u.test(command)) return undefined;
  return PLAIN.test(command) ? command.split(/ +/) : ['sh', '-c', command];
}

/** The program it starts: `sh -c` and assignments in front of it aside. */
export function programOf(command: readonly string[]): string {
  const text = command[0] === 'sh' ? (command[2] ?? '') : (command[0] ?? '');
  const words = text.split(/\s+/).filter((word) => !/^(\w+=.*|exec|env)$/.test(word));
  return words[0]?.replace(/^.*\//, '') ?? '';
}
