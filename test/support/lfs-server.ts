// What a host of repositories answers for Git LFS: the batch API, and the files themselves.
import { createHash } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { text } from 'node:stream/consumers';

export interface LfsServer {
  /** For `beside` of the repository's server. */
  answer: (request: IncomingMessage, response: ServerResponse) => boolean;
  /** What it was asked for, with what was said as Authorization. */
  asked: [path: string, authorization: string | undefined][];
  /** Takes the file in; returns what stands for it in the repository. */
  keep: (content: string, claimedSize?: number) => string;
  /** Where downloads are, as it says. */
  hrefOf: (oid: string, host: string) => string;
  /** Whether there is Git LFS at all. */
  isThere: boolean;
  /** Sent instead of a file. */
  broken: Map<string, string>;
}

export function createLfsServer(): LfsServer {
  const files = new Map<string, string>();
  const lfs: LfsServer = {
    asked: [],
    isThere: true,
    broken: new Map(),
    hrefOf: (oid, host) => `https://${host}/kept/${oid}`,
    keep: (content, claimedSize = Buffer.byteLength(content)) => {
      const oid = createHash('sha256').update(content).digest('hex');
      files.set(oid, content);
      return `version https://git-lfs.github.com/spec/v1\noid sha256:${oid}\nsize ${claimedSize}\n`;
    },
    answer: (request, response) => {
      const path = request.url ?? '';
      const oid = /^\/kept\/([0-9a-f]{64})$/.exec(path)?.[1];
      const isBatch = path.endsWith('/info/lfs/objects/batch');
      if (oid === undefined && !isBatch) return false;
      lfs.asked.push([path, request.headers.authorization]);
      if (!lfs.isThere) response.writeHead(404).end();
      else if (oid === undefined) void answerBatch(request, response);
      else response.end(lfs.broken.get(oid) ?? files.get(oid));
      return true;
    },
  };

  async function answerBatch(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { objects } = JSON.parse(await text(request)) as { objects: { oid: string; size: number }[] };
    const answers = objects.map((object) =>
      files.has(object.oid)
        ? { ...object, actions: { download: { href: lfs.hrefOf(object.oid, request.headers.host ?? '') } } }
        : { ...object, error: { code: 404, message: 'Object does not exist' } },
    );
    response.setHeader('content-type', 'application/vnd.git-lfs+json').end(JSON.stringify({ objects: answers }));
  }

  return lfs;
}
