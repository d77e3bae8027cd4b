// The headers that tell browsers what an answer of ours may do. helmet knows them; it makes them anew for each request,
// and ours never differ, so it is asked once.
import helmet from '@fastify/helmet';
import Fastify, { type FastifyInstance } from 'fastify';
import type { HttpConfig } from './deps.ts';

/** For Internet Explorer, Flash and pages with resources of their own: each header costs, on each answer. */
const OUTDATED = {
  originAgentCluster: false,
  xDnsPrefetchControl: false,
  xDownloadOptions: false,
  xPermittedCrossDomainPolicies: false,
  xXssProtection: false,
};

/** An API without pages: nothing may load or frame it. HSTS only where users come by https. */
export async function secureAnswers(
  http: FastifyInstance,
  { publicUrl }: Pick<HttpConfig, 'publicUrl'>,
): Promise<void> {
  const headers = await askHelmet({
    contentSecurityPolicy: { useDefaults: false, directives: { defaultSrc: ["'none'"], frameAncestors: ["'none'"] } },
    strictTransportSecurity: publicUrl?.startsWith('https:') ?? false,
    ...OUTDATED,
  });
  http.addHook('onRequest', (_request, reply, done) => {
    reply.headers(headers);
    done();
  });
}

/** What an answer has with helmet and has not without it. */
async function askHelmet(options: Parameters<typeof helmet>[1]): Promise<Record<string, string>> {
  const [plain, helmeted] = [Fastify(), Fastify()];
  await helmeted.register(helmet, options);
  const [without, all] = await Promise.all([plain, helmeted].map((each) => each.inject('/')));
  await Promise.all([plain.close(), helmeted.close()]);
  const own = Object.entries(all?.headers ?? {}).filter(([name]) => without?.headers[name] === undefined);
  return Object.fromEntries(own.map(([name, value]) => [name, String(value)]));
}
