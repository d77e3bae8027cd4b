// What a scripted far side answers the client: a service, and lists.
export const SERVICE = {
  id: 'svc_000000000web',
  name: 'web',
  status: 'running',
  url: 'http://127.0.0.1:8081',
  template: null,
  deploy_method: 'compose',
  host_id: 'host_1',
  enabled: true,
  failure_count: 0,
  restart_count: 0,
  last_restart_at: null,
  next_restart_at: null,
  gave_up_at: null,
  reason: null,
  labels: {},
  revision: 1,
  running_revision: 1,
  health: { status: 'healthy' },
  created_at: new Date().toISOString(),
  updated_at: new Date().toISOString(),
};

export const listOf = <T>(...data: T[]) => ({ body: { data, total: data.length, page: 1, per_page: 100 } });
