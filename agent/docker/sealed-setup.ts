// A container that has nothing but what is named for it: no network, a file system it cannot write to, few rights. Pure.
import type Dockerode from 'dockerode';

export interface SealedSetup {
  image: string;
  /** Runs until the container is removed. */
  command: readonly string[];
  labels: Readonly<Record<string, string>>;
  env: Readonly<Record<string, string>>;
  /** Folders of the host, each at its own path. */
  mounts: readonly { path: string; isReadOnly: boolean }[];
  /** Of the rights of root. */
  capabilities: readonly string[];
}

export function toSealedRequest(setup: SealedSetup): Dockerode.ContainerCreateOptions {
  const { image, command, labels, env, mounts, capabilities } = setup;
  return {
    Image: image,
    Cmd: [...command],
    Labels: { ...labels },
    Env: Object.entries(env).map(([name, value]) => `${name}=${value}`),
    User: '0:0',
    WorkingDir: '/',
    HostConfig: {
      NetworkMode: 'none',
      ReadonlyRootfs: true,
      CapDrop: ['ALL'],
      CapAdd: [...capabilities],
      // Without SELinux's own labels: what it is given are folders that these would keep it out of.
      SecurityOpt: ['no-new-privileges', 'label=disable'],
      UsernsMode: 'host', // else its root is nobody where Docker gives containers users of their own
      PidsLimit: 64,
      LogConfig: { Type: 'none', Config: {} },
      Mounts: mounts.map(({ path, isReadOnly }) => {
        return { Type: 'bind', Source: path, Target: path, ReadOnly: isReadOnly };
      }),
    },
  };
}
