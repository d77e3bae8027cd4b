// A Git repository behind https and a password, served by git's own http-backend; its certificate is made for the test.
import { execFileSync, spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import type { Test } from 'tap';
import { makeFolder } from './folder.ts';
import type { GitRepository } from './git-repository.ts';

/** Of `localhost`. */
export interface Certificate {
  cert: Buffer;
  key: Buffer;
  /** Whom to trust, to trust it. */
  caFile: string;
}

export interface GitServer {
  url: string;
  /** What it was sent as Authorization, request by request. */
  logins: (string | undefined)[];
}

export interface ServerOptions {
  certificate: Certificate;
  username: string;
  password: string;
  /** Where it sends everybody instead of answering. */
  redirectTo?: () => string;
  /** Asked first; true when it has answered. */
  beside?: (request: IncomingMessage, response: ServerResponse) => boolean;
}

/** Closed when the test ends. */
export async function serveGit(t: Test, repository: GitRepository, options: ServerOptions): Promise<GitServer> {
  const { cert, key } = options.certificate;
  const logins: (string | undefined)[] = [];
  const expected = `Basic ${Buffer.from(`${options.username}:${options.password}`).toString('base64')}`;
  const server = createServer({ cert, key }, (request, response) => {
    if (options.beside?.(request, response)) return;
    logins.push(request.headers.authorization);
    const elsewhere = options.redirectTo?.();
    if (elsewhere !== undefined) response.writeHead(302, { location: elsewhere + (request.url ?? '') }).end();
    else if (request.headers.authorization !== expected)
      response.writeHead(401, { 'www-authenticate': 'Basic realm="git"' }).end();
    else answer(repository, request, response);
  });
  return { url: `https://localhost:${await listen(t, server)}/.git`, logins };
}

async function listen(t: Test, server: Server): Promise<number> {
  await new Promise<void>((resolve) => server.listen(0, 'localhost', resolve));
  t.teardown(() => {
    server.closeAllConnections();
    server.close();
  });
  return (server.address() as AddressInfo).port;
}

/** Removed when the test ends. */
export function makeCertificate(t: Test): Certificate {
  const directory = makeFolder(t, 'tls');
  const [keyFile, caFile] = [join(directory, 'key.pem'), join(directory, 'cert.pem')];
  const subject = ['-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost'];
  const kind = ['-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2'];
  execFileSync('openssl', ['req', ...kind, ...subject, '-keyout', keyFile, '-out', caFile], { stdio: 'pipe' });
  return { cert: readFileSync(caFile), key: readFileSync(keyFile), caFile };
}

/** CGI, RFC 3875: the head of the answer comes on stdout, before the body. */
function answer({ directory }: GitRepository, request: IncomingMessage, response: ServerResponse): void {
  const { pathname, search } = new URL(request.url ?? '/', 'https://localhost');
  const { PATH = '' } = process.env;
  const env = {
    PATH,
    GIT_PROJECT_ROOT: directory,
    GIT_HTTP_EXPORT_ALL: '1',
    REQUEST_METHOD: request.method ?? 'GET',
    PATH_INFO: pathname,
    QUERY_STRING: search.slice(1),
    CONTENT_TYPE: request.headers['content-type'] ?? '',
    HTTP_CONTENT_ENCODING: request.headers['content-encoding'] ?? '',
    GIT_PROTOCOL: String(request.headers['git-protocol'] ?? ''),
    REMOTE_USER: 'somebody',
  };
  const backend = spawn('git', ['http-backend'], { env });
  const said: Buffer[] = [];
  request.pipe(backend.stdin);
  backend.stdout.on('data', (chunk: Buffer) => said.push(chunk));
  backend.once('close', () => {
    const whole = Buffer.concat(said);
    const end = whole.indexOf('\r\n\r\n');
    const head = whole.subarray(0, end).toString();
    for (const [, name = '', value = ''] of head.matchAll(/^([\w-]+): (.*)\r?$/gm)) {
      if (name === 'Status') response.statusCode = Number.parseInt(value, 10);
      else response.setHeader(name, value);
    }
    response.end(whole.subarray(end + 4));
  });
}
