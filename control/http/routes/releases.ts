// GET /install.sh and /dist/…: what a machine needs to become a host. Without a key: it has none yet, and nothing here is
// secret; who made it is told by the signature.
import { z } from 'zod';
import { RELEASE_FILES } from '#shared/release/manifest.ts';
import type { App } from '../../app/api/app.ts';
import { Downloads } from '../downloads.ts';
import type { Http } from '../http.ts';

const params = z.strictObject({ file: z.string() });

export function mountReleases(http: Http, { releases }: Pick<App, 'releases'>): void {
  const config = { permission: 'public', limit: 'download' } as const;
  const downloads = new Downloads();
  http.get('/install.sh', { config, schema: { hide: true } }, async (request, reply) =>
    downloads.send(await releases.require(RELEASE_FILES.installer), request, reply),
  );
  http.get('/dist/:file', { config, schema: { hide: true, params } }, async (request, reply) =>
    downloads.send(await releases.require(request.params.file), request, reply),
  );
}
