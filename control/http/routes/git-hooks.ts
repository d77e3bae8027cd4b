// Push hooks, and keys for repositories by ssh. The hook that hosts of repositories call takes no key: its body is signed, so it is kept as it came.
import { z } from 'zod';
import { sha256 } from '#shared/secrets.ts';
import type { App } from '../../app/api/app.ts';
import { deliveryOf } from '../../app/git/git-push.ts';
import { pathOf } from '../errors.ts';
import type { Http } from '../http.ts';
import { deployKeyView } from '../views/git-source.ts';
import { createdHookView, pushView, toPushView } from '../views/git-hook.ts';
import { idParams } from '../views/page.ts';
import { requireKey, writer } from '../writes.ts';
import { noBody } from './service-actions.ts';

export function mountGitHooks(http: Http, app: App): void {
  const write = writer(app.idempotency);

  http.post(
    '/api/services/:id/hooks',
    {
      config: { permission: 'services.update' },
      schema: {
        tags: ['services'],
        summary: 'Make the push hook of a service, or give it another secret',
        params: idParams,
        body: noBody,
        response: { 201: createdHookView },
      },
    },
    (request, reply) =>
      write(request, reply, async (caller) => ({
        status: 201,
        body: await app.gitHooks.create(caller, request.params.id),
      })),
  );

  http.post(
    '/api/services/:id/deploy-key',
    {
      config: { permission: 'services.update' },
      schema: {
        tags: ['services'],
        summary: "Make a key for the service's repository by ssh, or another in its place",
        params: idParams,
        body: noBody,
        response: { 201: deployKeyView },
      },
    },
    (request, reply) =>
      write(request, reply, async (caller) => {
        const { publicKey } = await app.deployKeys.create(caller, request.params.id);
        return { status: 201, body: { public_key: publicKey } };
      }),
  );

  http.delete(
    '/api/services/:id/hooks',
    {
      config: { permission: 'services.update' },
      schema: {
        tags: ['services'],
        summary: 'Remove the push hook of a service',
        params: idParams,
        response: { 204: z.null() },
      },
    },
    (request, reply) =>
      write(request, reply, async (caller) => {
        await app.gitHooks.remove(caller, request.params.id);
        return { status: 204 };
      }),
  );

  void http.register(async (own: Http) => mountPush(own, app));
}

/** In a scope of its own, where bodies are bytes. */
function mountPush(http: Http, app: App): void {
  http.removeAllContentTypeParsers();
  http.addContentTypeParser('*', { parseAs: 'buffer' }, (_request, body, done) => done(null, body));
  http.post(
    '/api/services/:id/hooks/git',
    {
      config: { permission: 'public', action: 'services.push' },
      schema: {
        tags: ['services'],
        summary: 'Announce a push: signed as GitHub, GitLab, Gitea or Forgejo do, or the secret as bearer',
        params: idParams,
        response: { 200: pushView, 202: pushView },
      },
    },
    async (request, reply) => {
      const push = { headers: request.headers, body: Buffer.isBuffer(request.body) ? request.body : Buffer.alloc(0) };
      const delivery = deliveryOf(push);
      if (delivery !== undefined) requireKey(delivery);
      const caller = app.gitHooks.identify(request.params.id, push);
      if (request.act) request.act.caller = caller;
      const work = async () => {
        const outcome = await app.gitHooks.receive(caller, request.params.id, push);
        return { status: outcome.result === 'ignored' ? 200 : 202, body: toPushView(outcome) };
      };
      if (delivery === undefined) return answer(await work());
      const done = await app.idempotency.once(caller, delivery, `${pathOf(request)} ${sha256(push.body)}`, work);
      if (done.isReplay) reply.header('idempotency-replayed', 'true');
      return answer(done);

      function answer({ status, body }: { status: number; body: unknown }) {
        return reply.code(status as 200).send(body as z.infer<typeof pushView>);
      }
    },
  );
}
