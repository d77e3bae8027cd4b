// systemd's side of sd_notify. Where `systemd-notify` and Python are, a real socket that writes down what it is told (Node
// has no datagram sockets of Unix); elsewhere a stand-in for the program, which writes its arguments down.
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Test } from 'tap';
import type { NotifyEnv } from '#shared/systemd.ts';
import { eventually } from './eventually.ts';
import { makeFolder } from './folder.ts';

/** Each message as one line of JSON. `BARRIER=1` is answered by closing the descriptor that comes with it. */
const READER = `
import json, os, select, socket, sys
s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
s.bind(sys.argv[1])
while sys.stdin not in select.select([s, sys.stdin], [], [])[0]: # its end is that of the test
    data, ancillary, _, _ = s.recvmsg(65536, 64)
    for _, _, fds in ancillary:
        for i in range(0, len(fds), 4): os.close(int.from_bytes(fds[i:i + 4], sys.byteorder))
    if data == b"BARRIER=1": continue
    with open(sys.argv[2], "a") as said: said.write(json.dumps(data.decode().strip()) + "\\n")
`;

const STAND_IN = `#!/bin/sh
text=$1; shift
for word; do text="$text\\\\n$word"; done
printf '"%s"\\n' "$text" >> "$NOTIFY_SOCKET.said"
`;

export interface NotifySocket {
  /** For the environment of the program that is to speak. */
  env: NotifyEnv & Record<string, string>;
  /** What was said, in order: `READY=1\nSTATUS=…`. */
  said: () => string[];
}

/** Ends with the test. */
export async function startNotifySocket(t: Test): Promise<NotifySocket> {
  const folder = makeFolder(t, 'notify');
  const path = join(folder, 'notify');
  const isReal = ['systemd-notify', 'python3'].every((program) => !spawnSync(program, ['--version']).error);
  await (isReal ? startReader(t, path) : writeStandIn(folder));
  const said = () => (existsSync(`${path}.said`) ? readFileSync(`${path}.said`, 'utf8') : '');
  return {
    env: { NOTIFY_SOCKET: path, PATH: `${folder}:${process.env['PATH']}` },
    said: () =>
      said()
        .split('\n')
        .filter(Boolean)
        .map((line) => JSON.parse(line) as string),
  };
}

async function startReader(t: Test, path: string): Promise<void> {
  const reader = spawn('python3', ['-c', READER, path, `${path}.said`], {
    stdio: ['pipe', 'inherit', 'inherit'],
  });
  const gone = once(reader, 'exit');
  t.teardown(async () => {
    reader.kill('SIGKILL');
    await gone;
  });
  await eventually(() => existsSync(path));
}

async function writeStandIn(folder: string): Promise<void> {
  writeFileSync(join(folder, 'systemd-notify'), STAND_IN);
  chmodSync(join(folder, 'systemd-notify'), 0o755);
}
