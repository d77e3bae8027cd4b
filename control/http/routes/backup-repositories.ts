// Repositories for backups, and how services are backed up.
import { z } from 'zod';
import type { App } from '../../app/api/app.ts';
import { callerOf } from '../auth.ts';
import type { Http } from '../http.ts';
import * as view from '../views/backup-repository.ts';
import * as settings from '../views/backup-settings.ts';
import { fromPaging, idParams, toPageView } from '../views/page.ts';
import { writer } from '../writes.ts';

export function mountBackupRepositories(http: Http, app: App): void {
  mountReads(http, app);
  mountWrites(http, app);
  mountSettings(http, app);
}

function mountReads(http: Http, app: App): void {
  http.get(
    '/api/backup-repositories',
    {
      config: { permission: 'backup_repositories.read' },
      schema: {
        tags: ['backups'],
        summary: 'List repositories for backups',
        querystring: view.backupRepositoryQuery,
        response: { 200: view.backupRepositoryPage },
      },
    },
    (request) => {
      const { customer_id: customerId, plan_id: planId, search, sort, order } = request.query;
      const query = { ...fromPaging(request.query), customerId, planId, search, sort, order };
      return toPageView(app.backupRepositories.list(callerOf(request), query), view.toBackupRepositoryView);
    },
  );

  http.get(
    '/api/backup-repositories/:id',
    {
      config: { permission: 'backup_repositories.read' },
      schema: {
        tags: ['backups'],
        summary: 'Get a repository for backups',
        params: idParams,
        response: { 200: view.backupRepositoryView },
      },
    },
    (request) => view.toBackupRepositoryView(app.backupRepositories.require(callerOf(request), request.params.id)),
  );
}

function mountWrites(http: Http, app: App): void {
  const write = writer(app.idempotency);
  http.post(
    '/api/backup-repositories',
    {
      config: { permission: 'backup_repositories.create' },
      schema: {
        tags: ['backups'],
        summary: 'Add a repository for backups',
        description: 'Hosts reach it themselves: by SFTP, S3, restic REST, or as a folder of their own.',
        body: view.newBackupRepositoryBody,
        response: { 201: view.newBackupRepositoryView },
      },
    },
    (request, reply) =>
      write(request, reply, async (caller) => {
        const { madePassword, ...made } = await app.backupRepositories.create(
          caller,
          view.fromNewBackupRepository(request.body),
        );
        return { status: 201, body: { ...view.toBackupRepositoryView(made), password: madePassword } };
      }),
  );

  http.patch(
    '/api/backup-repositories/:id',
    {
      config: { permission: 'backup_repositories.update' },
      schema: {
        tags: ['backups'],
        summary: 'Change the name or the credentials of a repository; what lies in it stays readable',
        params: idParams,
        body: view.backupRepositoryChangeBody,
        response: { 200: view.backupRepositoryView },
      },
    },
    (request, reply) =>
      write(request, reply, async (caller) => {
        const change = view.fromBackupRepositoryChange(request.body);
        const changed = await app.backupRepositories.update(caller, request.params.id, change);
        return { status: 200, body: view.toBackupRepositoryView(changed) };
      }),
  );

  http.delete(
    '/api/backup-repositories/:id',
    {
      config: { permission: 'backup_repositories.delete' },
      schema: {
        tags: ['backups'],
        summary: 'Forget a repository that holds no backup any more',
        params: idParams,
        response: { 204: z.null() },
      },
    },
    (request, reply) =>
      write(request, reply, async (caller) => {
        await app.backupRepositories.remove(caller, request.params.id);
        return { status: 204 };
      }),
  );
}

function mountSettings(http: Http, app: App): void {
  const write = writer(app.idempotency);
  http.get(
    '/api/services/:id/backup-settings',
    {
      config: { permission: 'backups.read' },
      schema: {
        tags: ['backups'],
        summary: 'How a service is backed up',
        params: idParams,
        response: { 200: settings.backupSettingsView },
      },
    },
    (request) => settings.toBackupSettingsView(app.backupSettings.show(callerOf(request), request.params.id)),
  );

  http.put(
    '/api/services/:id/backup-settings',
    {
      config: { permission: 'services.update', action: 'services.backup_settings' },
      schema: {
        tags: ['backups'],
        summary: 'Choose how a service is backed up',
        description: 'Counts from the next backup on, also of those that its host takes by a schedule.',
        params: idParams,
        body: settings.backupSettingsBody,
        response: { 200: settings.backupSettingsView },
      },
    },
    (request, reply) =>
      write(request, reply, async (caller) => {
        const input = settings.fromBackupSettings(request.body);
        const chosen = await app.backupSettings.put(caller, request.params.id, input);
        return { status: 200, body: settings.toBackupSettingsView(chosen) };
      }),
  );
}
