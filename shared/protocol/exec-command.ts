// A command as it travels back and is kept: of a script in an argument its beginning says enough, and the whole might not
// fit into a frame. Both sides shorten it, because neither relies on the other.

const MAX_COMMAND_CHARS = 4_096;

export function shortened(command: readonly string[]): string[] {
  const kept: string[] = [];
  let room = MAX_COMMAND_CHARS;
  for (const [i, argument] of command.entries()) {
    if (argument.length > room) return [...kept, `${argument.slice(0, room)}…`, ...rest(command.length - i - 1)];
    kept.push(argument);
    room -= argument.length + 1;
  }
  return kept;
}

const rest = (count: number): string[] => (count > 0 ? [`… ${count} more`] : []);
