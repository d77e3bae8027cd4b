// One question and its answer over TCP (RFC 1035 §4.2.2: two bytes of length before each message).
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { toCallFault } from '#shared/call-fault.ts';
import { LongshoreError } from '#shared/errors.ts';

const LENGTH_BYTES = 2;

/** Throws `egress_failed` for the network, or the signal's reason. */
export async function exchange(
  { host, port }: { host: string; port: number },
  message: Buffer,
  signal: AbortSignal,
): Promise<Buffer> {
  signal.throwIfAborted();
  const socket = connect({ host, port });
  const end = () => socket.destroy();
  signal.addEventListener('abort', end);
  try {
    await once(socket, 'connect', { signal });
    const length = Buffer.alloc(LENGTH_BYTES);
    length.writeUInt16BE(message.length);
    socket.write(Buffer.concat([length, message]));
    return await readMessage(socket);
  } catch (error) {
    signal.throwIfAborted();
    throw toCallFault(error);
  } finally {
    signal.removeEventListener('abort', end);
    socket.destroy();
  }
}

async function readMessage(socket: Socket): Promise<Buffer> {
  let received = Buffer.alloc(0);
  for await (const chunk of socket) {
    received = Buffer.concat([received, chunk as Buffer]);
    const end = received.length < LENGTH_BYTES ? Infinity : LENGTH_BYTES + received.readUInt16BE();
    if (received.length >= end) return received.subarray(LENGTH_BYTES, end);
  }
  throw new LongshoreError('egress_failed', { message: 'The DNS server closed the connection without an answer' });
}
