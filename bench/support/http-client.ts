// A client that costs almost nothing: each connection sends the same request again as soon as the answer is whole. With
// a heavier one the bare server waits for its client, and the comparison flatters it or us.
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';

const HEAD_END = Buffer.from('\r\n\r\n');

/** Asks until `endAt` (of performance.now) and returns how long each answer took. Throws for any answer but 200. */
export async function askRepeatedly(url: URL, headers: Record<string, string>, endAt: number): Promise<number[]> {
  const socket = connect(Number(url.port), url.hostname).setNoDelay(true);
  await once(socket, 'connect');
  const lines = Object.entries({ host: url.host, ...headers }).map(([name, value]) => `${name}: ${value}\r\n`);
  const request = Buffer.from(`GET ${url.pathname}${url.search} HTTP/1.1\r\n${lines.join('')}\r\n`);
  return new Promise((resolve, reject) => {
    const times: number[] = [];
    let startedAt = 0;
    const ask = () => {
      startedAt = performance.now();
      socket.write(request);
    };
    socket.once('error', reject);
    onAnswers(socket, (fault) => {
      if (fault !== null) return reject(new Error(fault));
      const now = performance.now();
      times.push(now - startedAt);
      if (now < endAt) return ask();
      socket.end();
      resolve(times);
    });
    ask();
  });
}

/** Calls back once per whole answer, with what is wrong about it. */
function onAnswers(socket: Socket, done: (fault: string | null) => void): void {
  let missing = 0;
  let head: Buffer = Buffer.alloc(0);
  socket.on('data', (chunk: Buffer) => {
    let body = chunk.length;
    if (missing === 0) {
      head = head.length === 0 ? chunk : Buffer.concat([head, chunk]);
      const end = head.indexOf(HEAD_END);
      if (end === -1) return;
      const text = head.toString('latin1', 0, end);
      if (!text.startsWith('HTTP/1.1 200')) return done(text);
      missing = Number(/\ncontent-length: (\d+)/i.exec(text)?.[1]);
      body = head.length - end - HEAD_END.length;
      head = Buffer.alloc(0);
    }
    missing -= body;
    if (missing === 0) done(null);
  });
}
