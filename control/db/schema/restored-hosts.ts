// Hosts that have not met the control plane since it was restored from a backup: numbers that both gave since then may
// stand for different things (control/agents/resume.ts).
export const RESTORED_HOSTS = `
CREATE TABLE restored_hosts (
  host_id TEXT PRIMARY KEY REFERENCES hosts (id) ON DELETE CASCADE
) WITHOUT ROWID;
`;
