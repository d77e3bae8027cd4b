// What the groups of operations are about, in the order in which one gets to know them.

export const TAGS = [
  { name: 'services', description: 'What runs: made, changed, started and stopped, with their logs and events.' },
  { name: 'service-sets', description: 'One service on each of several hosts, changed in waves.' },
  { name: 'jobs', description: 'Work that takes its time: how far each deploy, restart or removal is, and its log.' },
  { name: 'revisions', description: 'What a service was deployed as before, and the way back.' },
  { name: 'drift', description: 'What somebody changed on the host by hand: found, reverted or accepted.' },
  { name: 'proposals', description: 'What an AI would deploy, shown before anything happens: approved or rejected.' },
  { name: 'templates', description: 'What services are made of by name: the catalogue, and templates of your own.' },
  { name: 'variables', description: 'Values that several services share.' },
  { name: 'dns', description: 'Zones whose records Longshore writes for the names of services.' },
  { name: 'registries', description: 'Logins for private images.' },
  { name: 'backups', description: 'The named volumes of a service, as they were, and back again.' },
  { name: 'hosts', description: 'The machines that services run on, and how further ones join.' },
  { name: 'stats', description: 'What hosts and services use and used, and metrics for Prometheus.' },
  { name: 'schedules', description: 'What hosts do by themselves and when, control plane or not.' },
  { name: 'customers', description: 'Whose services they are; suspended, they stop and keep their data.' },
  { name: 'plans', description: 'What customers may use.' },
  { name: 'logs', description: 'Looking for lines in the logs of many services at once.' },
  { name: 'live', description: 'News as they happen, over a WebSocket.' },
  {
    name: 'webhooks',
    description: 'URLs of yours that are called when something changes, and what came of each call.',
  },
  { name: 'auth', description: 'Who may do what: API keys, logins, sessions, tickets for WebSockets.' },
  { name: 'audit', description: 'Who did what, from where, and how it ended.' },
  { name: 'health', description: 'Whether this process answers, and whether it is ready.' },
];
