// One GET to a container, on a connection of its own. A redirect is an answer like any other: nobody goes where it leads.
import { request, type IncomingMessage } from 'node:http';
import type { Probe } from '../health-check.ts';
import { OUTPUT_BYTES, type ProbeResult } from '../probe-result.ts';

type HttpProbe = Extract<Probe, { type: 'http' }>;

/** Rejects with the socket's error, and when the signal aborts. */
export async function probeHttp(address: string, probe: HttpProbe, signal: AbortSignal): Promise<ProbeResult> {
  const answer = await ask(address, probe, signal);
  const { statusCode: status = 0, statusMessage = '' } = answer;
  try {
    const head = `HTTP ${status} ${statusMessage}`.trimEnd();
    return { verdict: isPass(status, probe) ? 'passed' : 'failed', output: `${head}\n${await beginningOf(answer)}` };
  } finally {
    answer.destroy();
  }
}

const isPass = (status: number, { expectStatus }: HttpProbe): boolean =>
  expectStatus === null ? status >= 200 && status < 400 : status === expectStatus;

function ask(address: string, { port, path, host }: HttpProbe, signal: AbortSignal): Promise<IncomingMessage> {
  const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>();
  const headers = { host, accept: '*/*', 'user-agent': 'longshore-health', connection: 'close' };
  const call = request({ host: address, port, path, headers, agent: false, signal });
  call.on('response', resolve);
  call.on('error', reject);
  call.on('upgrade', (answer, socket) => {
    socket.destroy();
    resolve(answer);
  });
  call.end();
  return promise;
}

/** The status has said it all: an answer that goes on and on, or breaks off, is shown as far as it came. */
async function beginningOf(answer: IncomingMessage): Promise<string> {
  const pieces: Buffer[] = [];
  let bytes = 0;
  try {
    for await (const piece of answer as AsyncIterable<Buffer>) {
      pieces.push(piece);
      bytes += piece.length;
      if (bytes >= OUTPUT_BYTES) break;
    }
  } catch {
    // the time is over, or the connection is
  }
  return Buffer.concat(pieces).subarray(0, OUTPUT_BYTES).toString('utf8');
}
