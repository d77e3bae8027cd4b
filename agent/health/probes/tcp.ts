// Whether anybody accepts a connection. Nothing is sent, and nothing read.
import { once } from 'node:events';
import { connect } from 'node:net';
import type { ProbeResult } from '../probe-result.ts';

/** Rejects with the socket's error, and when the signal aborts. */
export async function probeTcp(address: string, port: number, signal: AbortSignal): Promise<ProbeResult> {
  const socket = connect({ host: address, port });
  socket.on('error', () => {}); // one that comes after the answer is nobody's
  try {
    await once(socket, 'connect', { signal });
    return { verdict: 'passed', output: `port ${port} accepts connections` };
  } finally {
    socket.destroy();
  }
}
