// Backups: take, list, restore, delete.
import { Readable } from 'node:stream';
import { z } from 'zod';
import type { App } from '../../app/api/app.ts';
import { callerOf } from '../auth.ts';
import type { Http } from '../http.ts';
import * as view from '../views/backup.ts';
import { idParams, toPageView } from '../views/page.ts';
import { writer } from '../writes.ts';
import { acceptedView, noBody, waitQuery } from './service-actions.ts';

export function mountBackups(http: Http, app: App): void {
  const write = writer(app.idempotency);
  http.post(
    '/api/services/:id/backups',
    {
      config: { permission: 'backups.create', action: 'backups.create' },
      schema: {
        tags: ['backups'],
        summary: 'Take a backup of the named volumes of a service',
        description:
          'The work is a job; `backup.progress` on /api/ws tells how far it is. Its backup settings say whether it runs on.',
        params: idParams,
        body: view.backupBody,
        response: { 201: view.backupView },
      },
    },
    (request, reply) =>
      write(request, reply, async (caller) => {
        const order = { repositoryId: request.body?.repository_id };
        const backup = await app.backups.create(caller, request.params.id, order);
        return { status: 201, body: view.toBackupView(backup) };
      }),
  );

  http.get(
    '/api/services/:id/backups',
    {
      config: { permission: 'backups.read' },
      schema: {
        tags: ['backups'],
        summary: 'List the backups of a service, the newest first',
        params: idParams,
        querystring: view.backupsOfQuery,
        response: { 200: view.backupPage },
      },
    },
    (request) => {
      const query = view.fromBackupQuery(request.query);
      return toPageView(app.backups.listOf(callerOf(request), request.params.id, query), view.toBackupView);
    },
  );

  http.get(
    '/api/backups',
    {
      config: { permission: 'backups.read' },
      schema: {
        tags: ['backups'],
        summary: 'List backups, also of services that are gone, the newest first',
        querystring: view.backupQuery,
        response: { 200: view.backupPage },
      },
    },
    (request) => {
      const { service_id: serviceId, ...query } = request.query;
      const page = app.backups.list(callerOf(request), { ...view.fromBackupQuery(query), serviceId });
      return toPageView(page, view.toBackupView);
    },
  );

  http.get(
    '/api/backups/:id',
    {
      config: { permission: 'backups.read' },
      schema: { tags: ['backups'], summary: 'Get a backup', params: idParams, response: { 200: view.backupView } },
    },
    (request) => view.toBackupView(app.backups.require(callerOf(request), request.params.id)),
  );

  http.get(
    '/api/backups/:id/download',
    {
      config: { permission: 'backups.restore' },
      schema: {
        tags: ['backups'],
        summary: 'Download a backup as a tar, or one of its dumps',
        description:
          'What is in it is not hidden: this needs secrets.read, too. A cut connection leaves a tar without an end.',
        params: idParams,
        querystring: view.downloadQuery,
        response: { 200: view.downloadView },
      },
    },
    async (request, reply) => {
      const { dump = null } = request.query;
      const { name, bytes } = await app.backupDownloads.open(callerOf(request), request.params.id, dump);
      void reply.header('content-disposition', `attachment; filename="${name}"`);
      void reply.type(dump === null ? 'application/x-tar' : 'application/octet-stream');
      return reply.send(Readable.from(bytes, { objectMode: false }));
    },
  );

  http.post(
    '/api/backups/:id/restore',
    {
      config: { permission: 'backups.restore' },
      schema: {
        tags: ['backups'],
        summary: "Put a backup's files in the place of what the volumes of its service, or of another, have now",
        description:
          'The work is a job. The service stops for a moment; when the restore fails, its data is as it was.',
        params: idParams,
        body: view.restoreBody,
        response: { 202: view.restoringView },
      },
    },
    (request, reply) =>
      write(request, reply, async (caller) => {
        const { id } = request.params;
        const { serviceId, jobId } = await app.backups.restore(caller, id, request.body?.service_id);
        return { status: 202, body: { id, service_id: serviceId, message: 'Backup is being restored', job_id: jobId } };
      }),
  );

  http.post(
    '/api/backups/:id/restore-as',
    {
      config: { permission: 'backups.restore', action: 'backups.restore_as' },
      schema: {
        tags: ['backups'],
        summary: 'Make a new service from a backup, beside its own or in its stead',
        description:
          'It is made of what the service of the backup was then, and its volumes begin with what the backup holds. Another ' +
          'host can do this when the backup lies in a repository that both reach. Needs services.create, too.',
        params: idParams,
        body: view.restoreAsBody,
        response: { 201: view.restoredAsView },
      },
    },
    (request, reply) =>
      write(request, reply, async (caller) => {
        const { name, host_id: hostId } = request.body;
        const { serviceId, jobId } = await app.backups.restoreAs(caller, request.params.id, { name, hostId });
        return { status: 201, body: { service_id: serviceId, job_id: jobId } };
      }),
  );

  http.post(
    '/api/backups/:id/drill',
    {
      config: { permission: 'backups.restore', action: 'backups.drill' },
      schema: {
        tags: ['backups'],
        summary: 'Try a backup out in a scratch copy of its service',
        description:
          'The copy has no published ports and no way out; it is removed when it is healthy, or is not in time.',
        params: idParams,
        body: noBody,
        response: { 202: view.restoringView },
      },
    },
    (request, reply) =>
      write(request, reply, async (caller) => {
        const { backup, jobId } = await app.backups.drill(caller, request.params.id);
        const { id, serviceId } = backup;
        return {
          status: 202,
          body: { id, service_id: serviceId, message: 'Backup is being tried out', job_id: jobId },
        };
      }),
  );

  http.delete(
    '/api/backups/:id',
    {
      config: { permission: 'backups.delete' },
      schema: {
        tags: ['backups'],
        summary: 'Delete a backup from its host',
        params: idParams,
        querystring: waitQuery,
        response: { 202: acceptedView.pick({ job_id: true }), 204: z.null() },
      },
    },
    (request, reply) =>
      write(request, reply, async (caller) => {
        const { job, isDone } = await app.backups.remove(caller, request.params.id, request.query.wait * 1000);
        return isDone ? { status: 204 } : { status: 202, body: { job_id: job.id } };
      }),
  );
}
