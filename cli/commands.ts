// The list of commands. Each lives in a file of its own that is loaded only when its name is on the command line: help
// and a typo cost nothing, and `services list` never loads what `up` needs.
import type { Command } from './command.ts';

export interface CommandEntry {
  describe: string;
  load: () => Promise<{ command: Command }>;
}

export const COMMANDS: Record<string, CommandEntry> = {
  up: {
    describe: "Run everything on this machine: control plane and an agent for this machine's Docker",
    load: () => import('./commands/up.ts'),
  },
  control: { describe: 'Run a control plane', load: () => import('./commands/control.ts') },
  agent: { describe: 'Run the agent of a host', load: () => import('./commands/agent.ts') },
  hosts: {
    describe: 'List hosts and what runs on them, let one join, empty one, shut one out',
    load: () => import('./commands/hosts.ts'),
  },
  incidents: { describe: 'What took several hosts at once', load: () => import('./commands/incidents.ts') },
  services: {
    describe: 'List, change, start, stop, restart, redeploy, remove',
    load: () => import('./commands/services.ts'),
  },
  moves: { describe: 'Services on their way from host to host', load: () => import('./commands/moves.ts') },
  adopt: { describe: 'Make a service of what runs on a host already', load: () => import('./commands/adopt.ts') },
  sets: { describe: 'Services on several hosts, and their rollouts', load: () => import('./commands/sets.ts') },
  deploy: { describe: 'Deploy a compose file, a template or a repository', load: () => import('./commands/deploy.ts') },
  exec: { describe: 'Run a program in a container, or a terminal', load: () => import('./commands/exec.ts') },
  logs: { describe: 'Show, follow or search logs', load: () => import('./commands/logs.ts') },
  stats: { describe: 'What a service or a host uses, or used', load: () => import('./commands/stats.ts') },
  doctor: {
    describe: 'On this machine: what is wrong with it, as a host and as a control plane',
    load: () => import('./commands/doctor.ts'),
  },
  local: {
    describe: 'On a host, as root: look after its services, control plane or not',
    load: () => import('./commands/local.ts'),
  },
  jobs: { describe: 'Look at jobs, cancel one', load: () => import('./commands/jobs.ts') },
  customers: {
    describe: 'Whose services run here; suspend one, bring it back',
    load: () => import('./commands/customers.ts'),
  },
  plans: { describe: "What a customer's services may take", load: () => import('./commands/plans.ts') },
  backups: { describe: 'Take, restore, try out and delete backups', load: () => import('./commands/backups.ts') },
  'backup-repositories': {
    describe: 'Where backups lie outside of hosts',
    load: () => import('./commands/backup-repositories.ts'),
  },
  schedules: {
    describe: 'What hosts do by themselves, when, and what became of it',
    load: () => import('./commands/schedules.ts'),
  },
  templates: { describe: 'What can be deployed by name', load: () => import('./commands/templates.ts') },
  audit: { describe: 'Who changed what; check that nobody changed the log', load: () => import('./commands/audit.ts') },
  variables: { describe: 'Values that services share', load: () => import('./commands/variables.ts') },
  domains: { describe: 'Names of services', load: () => import('./commands/domains.ts') },
  dns: { describe: 'DNS zones for the names of services', load: () => import('./commands/dns.ts') },
  registries: { describe: 'Logins for private images', load: () => import('./commands/registries.ts') },
  webhooks: { describe: 'Who hears of changes, and whether it arrived', load: () => import('./commands/webhooks.ts') },
  keys: { describe: 'API keys', load: () => import('./commands/keys.ts') },
  sessions: { describe: 'Who is logged in', load: () => import('./commands/sessions.ts') },
};
