// What the agent and Caddy have in common on disk. Caddy is another user of the agent's group, without the rights of root:
// whatever the agent's umask takes from the group is given back.
import { chmod, mkdir, writeFile } from 'node:fs/promises';

export async function makeFolder(path: string): Promise<void> {
  await mkdir(path, { recursive: true });
  await chmod(path, 0o770);
}

export async function writeShared(path: string, text: string): Promise<void> {
  await writeFile(path, text, { mode: 0o640 });
  await chmod(path, 0o640);
}
