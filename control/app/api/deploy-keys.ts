// Keys for repositories by ssh as the app layer offers them.
import type { Caller } from './caller.ts';

export interface DeployKeys {
  /**
   * Makes a key for the service's repository, or another in the place of the one it has; its next deploy uses it. 409
   * state_conflict when it is not fetched by ssh.
   */
  create(caller: Caller, serviceId: string): Promise<{ publicKey: string }>;
}
