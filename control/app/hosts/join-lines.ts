// The lines that make a machine a host: for a terminal, for cloud-init and for Ansible. Pure. Labels and limits stay with
// the token here; nothing that a user wrote is in a line but the public URL, and that is quoted.

export interface JoinLines {
  /** For a person at a terminal who may use sudo. */
  command: string;
  /** User data of a new machine. */
  cloudInit: string;
  /** A list of one task, for a play or `tasks/main.yml`. */
  ansible: string;
}

export interface Joining {
  /** Where hosts reach control, without a slash at its end. */
  url: string;
  token: string;
  /** Where no authority vouches for the certificate. */
  tlsPin: string | undefined;
}

const SAFE = /^[\w@%+=:,./-]+$/;
/** Only root may write there, and it is gone with the next boot. */
const SCRIPT = '/run/longshore-install.sh';
/** What install.sh leaves: Ansible skips machines that have it. */
const UNIT = '/etc/systemd/system/longshore-agent.service';

export function toJoinLines({ url, token, tlsPin }: Joining): JoinLines {
  const pin = tlsPin === undefined ? '' : ` -k --pinnedpubkey ${word(tlsPin)}`;
  const fetch = `curl -fsSL${pin} ${word(`${url}/install.sh`)}`;
  const verb = `agent --token ${word(token)}`;
  // In two steps, so that a download is repeated: these have nobody who looks on.
  const unattended = `${fetch} --retry 5 -o ${SCRIPT} && sh ${SCRIPT} ${verb}`;
  return {
    // What a shell hears of a pipe is how its last program ended: that one has to hear of a download that failed.
    command: `(${fetch} || echo exit 1) | sudo sh -s -- ${verb}`,
    cloudInit: `#cloud-config\nruncmd:\n  - [sh, -c, ${quoted(unattended)}]\n`,
    ansible: [
      '- name: Make this machine a host of Longshore',
      '  ansible.builtin.shell:',
      `    cmd: ${quoted(unattended)}`,
      `    creates: ${UNIT}`,
      '  become: true',
      '  no_log: true',
      '',
    ].join('\n'),
  };
}

/** As a shell reads one word. */
const word = (text: string): string => (SAFE.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`);

/** JSON's strings are YAML's. */
const quoted = (text: string): string => JSON.stringify(text);
