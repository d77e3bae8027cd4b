// A name server on port 0 that knows the names it is told (RFC 1035 §4), and says nothing at all about `silent.…`.
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import type { Test } from 'tap';

const HEADER_BYTES = 12;
/** A question's type and class. */
const QUESTION_BYTES = 4;
const TYPE_A = 1;
const NO_SUCH_NAME = 3;

/** Returns where it listens. `names`: name → IPv4 addresses. */
export async function startNameServer(t: Test, names: Record<string, string[]>): Promise<string> {
  const socket = createSocket('udp4');
  socket.on('message', (question, { port, address }) => {
    const answer = answerTo(question, names);
    if (answer) socket.send(answer, port, address);
  });
  socket.bind(0, '127.0.0.1');
  await once(socket, 'listening');
  t.teardown(() => socket.close());
  return `127.0.0.1:${socket.address().port}`;
}

function answerTo(question: Buffer, names: Record<string, string[]>): Buffer | undefined {
  const { name, end } = readName(question);
  if (name.startsWith('silent.')) return undefined;
  const isForFour = question.readUInt16BE(end) === TYPE_A;
  const addresses = isForFour ? (names[name] ?? []) : [];
  const header = Buffer.alloc(HEADER_BYTES);
  header.writeUInt16BE(question.readUInt16BE(0), 0);
  header.writeUInt16BE(0x8180 | (name in names ? 0 : NO_SUCH_NAME), 2); // an answer, recursion asked for and given
  header.writeUInt16BE(1, 4);
  header.writeUInt16BE(addresses.length, 6);
  return Buffer.concat([header, question.subarray(HEADER_BYTES, end + QUESTION_BYTES), ...addresses.map(toRecord)]);
}

function readName(question: Buffer): { name: string; end: number } {
  const labels: string[] = [];
  let at = HEADER_BYTES;
  for (let length = question[at++] ?? 0; length > 0; length = question[at++] ?? 0) {
    labels.push(question.toString('latin1', at, at + length).toLowerCase());
    at += length;
  }
  return { name: labels.join('.'), end: at };
}

/** Points back to the question's name; type A, class IN, good for a second, four bytes. */
const toRecord = (address: string): Buffer =>
  Buffer.from([0xc0, HEADER_BYTES, 0, TYPE_A, 0, 1, 0, 0, 0, 1, 0, 4, ...address.split('.').map(Number)]);
